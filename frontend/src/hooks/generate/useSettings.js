import { useCallback, useMemo } from 'react'
import { useTranslation } from 'react-i18next'

import { shorten } from '../../lib/format.js'
import { DEFAULT_SETTINGS, fromSource, isRecord, keepAuto, restoreSettings } from '../../lib/generate/settings.js'
import { ARRIVAL_FIELDS, useArrivals } from '../images/inputs/useArrivals.js'
import { useSources } from '../images/inputs/useSources.js'
import { useModelOf } from '../server/useModels.js'
import { usePersistentState } from '../kept/usePersistentState.js'
import { useToast } from '../ui/useToast.js'
import { useLatest } from '../ui/useLatest.js'
import { useFormStates } from './useFormStates.js'
import { usePromptHistory } from './usePromptHistory.js'

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
  const arrivals = useArrivals()
  const { bring, stop } = arrivals
  const reset = useCallback(() => {
    stop(...ARRIVAL_FIELDS)
    replaceAloud(DEFAULT_SETTINGS, t('form.cleared'))
  }, [stop, replaceAloud, t])
  /** Takes over a picture's settings, or a part of them; see fromSource. */
  const adopt = useCallback(
    (source, part) => {
      const patch = fromSource(source, { part, model: modelOf(source.model) })
      const kept = isRecord(source) ? keepAuto(patch, latest.current, modelOf('auto')?.id) : patch
      stop(...ARRIVAL_FIELDS.filter((field) => field in kept))
      replaceAloud(kept, t('form.adopted', { prompt: shorten(source.prompt) }))
    },
    [stop, replaceAloud, latest, modelOf, t],
  )
  const sources = useSources({ latestRef: latest, change, replaceAloud, bring })
  return { settings, recent, change, write, replace, replaceAloud, steps, reset, adopt, sources, arrivals, remember }
}
