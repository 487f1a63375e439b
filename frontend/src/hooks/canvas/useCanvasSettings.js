import { useCallback } from 'react'

import { changeSettings, DEFAULT_SETTINGS, restoreSettings } from '../../lib/canvas/settings.js'
import { usePersistentState } from '../kept/usePersistentState.js'

/** The tool in hand and how it paints, kept in this browser: `[settings, change]`. */
export function useCanvasSettings() {
  const [settings, set] = usePersistentState('zimage.canvas', DEFAULT_SETTINGS, restoreSettings)
  const change = useCallback((patch) => set((now) => changeSettings(now, patch)), [set])
  return [settings, change]
}
