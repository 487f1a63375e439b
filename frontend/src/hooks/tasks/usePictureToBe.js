import { scaleOf } from '../../lib/generate/guidance.js'
import { useDrawnSize } from '../generate/useDrawnSize.js'
import { useModel } from '../server/useModels.js'
import { useHasGpu } from '../server/useSystemStatus.js'

/** The first seed of which there is no picture; several workers end in any order. */
function firstMissing(seed, images) {
  const there = new Set(images.map((image) => image.seed))
  let next = seed
  while (there.has(next)) next += 1
  return next
}

/** The picture that a task is drawing, as far as it is known before it is there. */
export function usePictureToBe({ request, images = [] }) {
  const model = useModel(request.model)
  const size = useDrawnSize(request)
  const hasGpu = useHasGpu()
  const { seed, use_gpu: useGpu } = request
  return {
    tags: [],
    ...request,
    ...size,
    model: model?.id ?? request.model,
    seed: typeof seed === 'number' ? firstMissing(seed, images) : undefined,
    guidance_scale: scaleOf(request, model),
    device: useGpu && hasGpu !== false ? undefined : 'cpu',
    use_gpu: undefined,
  }
}
