import { drawnSize, isValidSide } from '../../lib/generate/sizes.js'
import { useModel } from '../server/useModels.js'
import { useHasGpu } from '../server/useSystemStatus.js'

/** A function that answers the size that the server will make of one, by these settings; null while it is not known. */
export function useDrawing({ use_gpu: useGpu, model: modelId }) {
  const hasGpu = useHasGpu()
  const model = useModel(modelId)
  if (hasGpu === null || !model) return null
  const limits = { multiple: model.size_multiple, sizes: model.sizes, onCpu: !useGpu || !hasGpu }
  return (width, height) => drawnSize(width, height, limits)
}

/** The size that the server will make of these settings, or null when the request is drawn as it is. */
export function useDrawnSize(settings) {
  const drawing = useDrawing(settings)
  const { width, height } = settings
  if (!drawing || !isValidSide(width) || !isValidSide(height)) return null
  const [w, h] = drawing(width, height)
  return w === width && h === height ? null : { width: w, height: h }
}
