import { useCallback } from 'react'

import { DEFAULT_SETTINGS, restoreSettings, toolIn } from '../../lib/canvas/settings.js'
import { usePersistentState } from '../kept/usePersistentState.js'

/** The tool in hand and how it paints, kept in this browser: `[settings, change]`. Another mode keeps the tool where it has it. */
export function useCanvasSettings() {
  const [settings, set] = usePersistentState('zimage.canvas', DEFAULT_SETTINGS, restoreSettings)
  const change = useCallback(
    (patch) =>
      set((now) => {
        const next = { ...now, ...patch }
        return { ...next, tool: toolIn(next.mode, next.tool) }
      }),
    [set],
  )
  return [settings, change]
}
