export const GUIDANCE_MAX = 20
export const GUIDANCE_STEP = 0.5

/** True for a scale that the server takes. */
export function isScale(value) {
  return typeof value === 'number' && value >= 0 && value <= GUIDANCE_MAX
}

/** How strongly a model will be guided by these settings: the chosen scale, or the model's own; 0 where it is not. */
export function scaleOf({ guidance_scale: chosen }, model) {
  if (!model?.guidance) return 0
  return chosen ?? model.guidance_scale
}

/** The part of a request that not every model takes: nothing for those that are not guided. */
export function guidanceRequest(settings, model) {
  const { guidance_scale: chosen, negative_prompt: negative } = settings
  const hears = model?.negative_prompt && scaleOf(settings, model) > 0
  return {
    ...(model?.guidance && chosen !== null && { guidance_scale: chosen }),
    ...(hears && negative.trim() && { negative_prompt: negative.trim() }),
  }
}

/**
 * The scale to take over from a picture; null, which is a model's own, where the picture does not tell one.
 *
 * Distilled models draw at 0 because they know nothing else: that is no wish that a guided model should inherit.
 */
export function adoptScale(scale, model) {
  const isWish = isScale(scale) && (model ? model.guidance : scale > 0)
  return isWish ? scale : null
}
