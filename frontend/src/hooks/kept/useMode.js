import { useStored } from './useStored.js'

const restoreMode = (stored) => (stored === 'simple' ? 'simple' : 'advanced')

/** Whether the form shows the few settings that everyone needs, or all of them: `[mode, setMode]`. */
export function useMode() {
  return useStored('zimage.mode', 'advanced', restoreMode)
}
