import { fromSource, SEED_MAX, toRequest } from '../generate/settings.js'

/** How many pictures a variation makes. */
export const VARIATIONS = 4

/** The request for pictures like this one, drawn by the same `model`: same settings, the seeds that follow its own. */
export function variationsOf(image, model) {
  const seed = Math.min(image.seed + 1, SEED_MAX - VARIATIONS)
  return { ...toRequest(fromSource({ ...image, seed }, { model }), model, image.prompt), num_images: VARIATIONS }
}

/** A list with every picture of these ids changed; the same list where there is none. */
export function patchPictures(images, ids, patch) {
  if (!images.some(({ id }) => ids.has(id))) return images
  return images.map((image) => (ids.has(image.id) ? { ...image, ...patch(image) } : image))
}

/** The tags of pictures, each with how many have it: `[{tag, count}]`, the most frequent first. */
export function countTags(images) {
  const counts = new Map()
  for (const tag of images.flatMap(({ tags = [] }) => tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1)
  return [...counts].map(([tag, count]) => ({ tag, count })).sort((one, other) => other.count - one.count || one.tag.localeCompare(other.tag))
}
