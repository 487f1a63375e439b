import { useCallback, useMemo } from 'react'
import { useTranslation } from 'react-i18next'

import { newControl } from '../../lib/generate/control.js'
import { newEdit } from '../../lib/generate/edit.js'
import { toLiteral } from '../../lib/generate/expand.js'
import { DEFAULT_SETTINGS, fromSource, restoreSettings } from '../../lib/generate/settings.js'
import { keepInput } from '../../services/api.js'
import { useAttempt } from '../images/useAttempt.js'
import { useModelOf } from '../server/useModels.js'
import { usePersistentState } from '../kept/usePersistentState.js'
import { useToast } from '../ui/useToast.js'
import { useLatest } from '../ui/useLatest.js'
import { useFormStates } from './useFormStates.js'
import { usePromptHistory } from './usePromptHistory.js'

const SHOWN_CHARACTERS = 40

function shorten(text) {
  const characters = [...text]
  return characters.length > SHOWN_CHARACTERS ? `${characters.slice(0, SHOWN_CHARACTERS - 1).join('')}…` : text
}

/** The form's values, kept across reloads, and the prompts of before: those that were sent, and those that had to go. */
export function useSettings() {
  const { t } = useTranslation()
  const toast = useToast()
  const [settings, setSettings] = usePersistentState('zimage.settings', DEFAULT_SETTINGS, restoreSettings)
  const { prompts: recent, remember } = usePromptHistory()
  const modelOf = useModelOf()
  const keepDraft = useCallback(
    ({ prompt }, after) => {
      if (prompt.trim() && prompt !== after.prompt) remember(prompt.trim())
    },
    [remember],
  )
  const latest = useLatest(settings)
  const { replace, write, undo, redo } = useFormStates(settings, setSettings, keepDraft)
  const steps = useMemo(() => ({ undo, redo }), [undo, redo])
  const change = useCallback((patch) => setSettings((current) => ({ ...current, ...patch })), [setSettings])
  /** Replaces values, says so, and offers to take it back. */
  const replaceAloud = useCallback(
    (patch, text) => {
      const takeBack = replace(patch)
      if (takeBack) toast({ text, undo: takeBack })
    },
    [replace, toast],
  )
  const reset = useCallback(() => replaceAloud(DEFAULT_SETTINGS, t('form.cleared')), [replaceAloud, t])
  /** Takes over a picture's settings, or a part of them; see fromSource. */
  const adopt = useCallback(
    (source, part) => {
      const patch = fromSource(source, { part, model: modelOf(source.model) })
      replaceAloud(patch, t('form.adopted', { prompt: shorten(source.prompt) }))
    },
    [replaceAloud, modelOf, t],
  )
  const attempt = useAttempt()
  /** Draws from a picture, a file or one of the history; a form without a prompt takes that one's. */
  const drawFrom = useCallback(
    (source) =>
      attempt(async () => {
        const isFile = source instanceof Blob
        const { input_id: id } = await keepInput(isFile ? source : { image_id: source.id })
        const { prompt, edit } = latest.current
        const kept = edit && { strength: edit.strength, feather: edit.feather }
        const words = !isFile && !prompt.trim() ? { prompt: toLiteral(source.prompt) } : {}
        replaceAloud({ edit: { ...newEdit(id), ...kept }, ...words }, t('edit.taken'))
      }),
    [attempt, latest, replaceAloud, t],
  )
  /** Lets a picture guide the composition. */
  const guideBy = useCallback(
    (file) =>
      attempt(async () => {
        const { input_id: id } = await keepInput(file)
        change({ control: [...latest.current.control, newControl(id)] })
      }),
    [attempt, latest, change],
  )
  return { settings, recent, change, write, replace, replaceAloud, steps, reset, adopt, drawFrom, guideBy, remember }
}
