import { drawnSize, isValidSide } from '../../lib/generate/sizes.js'
import { useModel } from '../server/useModels.js'
import { useHasGpu } from '../server/useSystemStatus.js'

/** The size that the server will make of these settings, or null when the request is drawn as it is. */
export function useDrawnSize({ width, height, use_gpu: useGpu, model: modelId }) {
  const hasGpu = useHasGpu()
  const model = useModel(modelId)
  if (hasGpu === null || !model || !isValidSide(width) || !isValidSide(height)) return null
  const limits = { multiple: model.size_multiple, sizes: model.sizes, onCpu: !useGpu || !hasGpu }
  const [w, h] = drawnSize(width, height, limits)
  return w === width && h === height ? null : { width: w, height: h }
}
