import { useCallback } from 'react'

import { DEFAULT_SETTINGS, fromSource, restoreSettings } from '../../lib/generate/settings.js'
import { useModelOf } from '../server/useModels.js'
import { usePersistentState } from '../ui/usePersistentState.js'

/** The form's values, kept across reloads. */
export function useSettings() {
  const [settings, setSettings] = usePersistentState('zimage.settings', DEFAULT_SETTINGS, restoreSettings)
  const modelOf = useModelOf()
  const change = useCallback((patch) => setSettings((current) => ({ ...current, ...patch })), [setSettings])
  const reset = useCallback(() => setSettings({ ...DEFAULT_SETTINGS }), [setSettings])
  /** Takes over a picture's settings, or a part of them; see fromSource. */
  const adopt = useCallback(
    (source, part) => {
      const model = modelOf(source.model)
      setSettings((current) => ({ ...current, ...fromSource(source, { part, model }) }))
    },
    [setSettings, modelOf],
  )
  return { settings, change, reset, adopt }
}
