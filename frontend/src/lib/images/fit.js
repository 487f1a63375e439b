import { toGb } from '../format.js'

/** From these on a 6B model runs at all, and runs whole. */
const MIN_GPU_GB = 6
const ROOMY_GPU_GB = 16
const MIN_MEMORY_GB = 22

/** What makes loading a model down pointless. */
export const OBSTACLES = ['disk', 'memory']

/** What is still to come of a model. */
function missingGb({ download_gb: size, download }) {
  return (size ?? 0) - toGb(download?.done_bytes ?? 0)
}

/**
 * What this machine can make of a model that is not installed, as the last part of an i18n key.
 *
 * `system` is a system status. The figures are those of the 6B models; the server's own plan decides in the end.
 */
export function fitOf(model, system) {
  if (system.disk.free_gb < missingGb(model)) return 'disk'
  const vram = system.gpu?.available ? (system.gpu.memory_total_gb ?? 0) : 0
  if (vram >= ROOMY_GPU_GB) return 'fast'
  if (vram >= MIN_GPU_GB) return 'offload'
  return system.memory.total_gb >= MIN_MEMORY_GB ? 'cpu' : 'memory'
}
