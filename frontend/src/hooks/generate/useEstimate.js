import { estimateMs } from '../../lib/generate/estimate.js'
import { scaleOf } from '../../lib/generate/guidance.js'
import { useDrawnSize } from './useDrawnSize.js'
import { useModel } from '../server/useModels.js'
import { useRecentPictures } from '../images/useRecentPictures.js'
import { useHasGpu } from '../server/useSystemStatus.js'

/** How long `count` pictures with these settings will take here, in ms; null while nobody can tell. */
export function useEstimate(settings, count) {
  const model = useModel(settings.model)
  const hasGpu = useHasGpu()
  const drawn = useDrawnSize(settings)
  const pictures = useRecentPictures()
  if (!model || hasGpu === null) return null
  const own = { model: model.id, use_gpu: settings.use_gpu && hasGpu, guidance_scale: scaleOf(settings, model) }
  const request = { ...settings, ...drawn, ...own }
  const each = estimateMs(request, pictures)
  return each === null ? null : each * count
}
