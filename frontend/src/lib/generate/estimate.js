import { forwardsOf } from './settings.js'

/** Decoding costs about as much as one forward, whatever the number of steps. */
const DECODE_FORWARDS = 1
/** A first picture also loads the model: the median of a few forgets it. */
const ENOUGH = 2

/** A guided step looks twice: with the prompt and without it. */
const GUIDED_FORWARDS = 2

function workOf({ width, height, num_inference_steps: steps, guidance_scale: scale = 0 }) {
  const forwards = forwardsOf(steps) * (scale > 0 ? GUIDED_FORWARDS : 1)
  return (forwards + DECODE_FORWARDS) * width * height
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * How long one picture will take, in ms, judged by earlier ones of the same model on the same kind of device; null
 * while there are too few of them.
 */
export function estimateMs(request, pictures) {
  const alike = pictures.filter(
    (picture) =>
      picture.model === request.model && picture.use_gpu === request.use_gpu && picture.generation_time_ms > 0,
  )
  if (alike.length < ENOUGH) return null
  return median(alike.map((picture) => picture.generation_time_ms / workOf(picture))) * workOf(request)
}
