import { useCallback, useMemo } from 'react'
import { useTranslation } from 'react-i18next'

import { DEFAULT_SETTINGS, fromSource, isRecord, keepAuto, restoreSettings } from '../../lib/generate/settings.js'
import { useSources } from '../images/inputs/useSources.js'
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
  const [settings, setSettings] = usePersistentState('zimage.settings', DEFAULT_SETTINGS, restoreSettings, { ofTab: true })
  const { prompts: recent, remember } = usePromptHistory()
  const modelOf = useModelOf()
  const keepDraft = useCallback(
    ({ prompt }, after) => {
      if (prompt.trim() && prompt !== after.prompt) remember(prompt.trim())
    },
    [remember],
  )
  const latest = useLatest(settings)
  const { replace: replaceAll, write, undo, redo } = useFormStates(settings, setSettings, keepDraft)
  const steps = useMemo(() => ({ undo, redo }), [undo, redo])
  const change = useCallback((patch) => setSettings((current) => ({ ...current, ...patch })), [setSettings])
  /** Replaces values by those of a picture, whose model may be the one that "auto" means; see useFormStates. */
  const replace = useCallback(
    (patch) => replaceAll(keepAuto(patch, latest.current, modelOf('auto')?.id)),
    [replaceAll, latest, modelOf],
  )
  /** Replaces values, says so, and offers to take it back. */
  const replaceAloud = useCallback(
    (patch, text) => {
      const takeBack = replaceAll(patch)
      if (takeBack) toast({ text, undo: takeBack })
    },
    [replaceAll, toast],
  )
  const reset = useCallback(() => replaceAloud(DEFAULT_SETTINGS, t('form.cleared')), [replaceAloud, t])
  /** Takes over a picture's settings, or a part of them; see fromSource. */
  const adopt = useCallback(
    (source, part) => {
      const patch = fromSource(source, { part, model: modelOf(source.model) })
      const kept = isRecord(source) ? keepAuto(patch, latest.current, modelOf('auto')?.id) : patch
      replaceAloud(kept, t('form.adopted', { prompt: shorten(source.prompt) }))
    },
    [replaceAloud, latest, modelOf, t],
  )
  const sources = useSources({ latestRef: latest, change, replaceAloud })
  return { settings, recent, change, write, replace, replaceAloud, steps, reset, adopt, sources, remember }
}
