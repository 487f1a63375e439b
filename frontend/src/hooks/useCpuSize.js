import { cpuSize, isValidSide } from '../lib/sizes.js'
import { useModel } from './useModels.js'
import { useHasGpu } from './useSystemStatus.js'

/** The size that a processor will make of these settings, or null when the request is drawn as it is. */
export function useCpuSize({ width, height, use_gpu: useGpu, model: modelId }) {
  const hasGpu = useHasGpu()
  const model = useModel(modelId)
  if (hasGpu === null || (useGpu && hasGpu)) return null
  if (!isValidSide(width) || !isValidSide(height)) return null
  const [w, h] = cpuSize(width, height, model?.size_multiple)
  return w === width && h === height ? null : { width: w, height: h }
}
