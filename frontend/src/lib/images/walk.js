/** How many pictures before and after the one that is looked at are at hand. */
const AT_HAND = 12

/** The pages of a list that hold what is around a `place` in it, `{index, total}`; none while that is unknown. */
export function pagesAround(place, pageSize) {
  if (!place || place.total === 0) return []
  const pageOf = (index) => Math.floor(Math.min(Math.max(index, 0), place.total - 1) / pageSize) + 1
  const [first, last] = [pageOf(place.index - AT_HAND), pageOf(place.index + AT_HAND)]
  return Array.from({ length: last - first + 1 }, (_, at) => first + at)
}

/**
 * A picture and its place in a list: `{image, index, total, isIn}`, where one of the list's pages holds it.
 *
 * One that is not in the list has the index where it would be.
 */
export function stepIn({ images, total }, page, pageSize, id) {
  const at = images.findIndex((image) => image.id === id)
  return { image: images[at], index: (page - 1) * pageSize + at, total, isIn: true }
}

/** The places to go to from a step; null where the list ends. */
export function waysFrom({ index, total, isIn }) {
  const next = isIn ? index + 1 : index
  return { previous: index > 0 ? index - 1 : null, next: next < total ? next : null }
}

export function isSameStep(one, other) {
  return one === other || (one !== null && other !== null && Object.keys(one).every((key) => one[key] === other[key]))
}
