/**
 * What stays of `held` pictures in place while newer ones have come before them: `{images, waiting}`, of which `waiting`
 * is how many those are.
 *
 * What is not among the `newest` was deleted, unless the newer ones have pushed it off the end of the page. `dropped` are
 * the ids of some that were deleted here: restored, they are not new.
 */
export function holdPictures(held, newest, dropped = []) {
  if (held.length === 0) return { images: newest, waiting: 0 }
  const known = new Set([...held.map(({ id }) => id), ...dropped])
  const waiting = newest.findIndex(({ id }) => known.has(id))
  if (waiting < 0) return { images: held, waiting: newest.length }
  const present = new Set(newest.map(({ id }) => id))
  const end = held.findLastIndex(({ id }) => present.has(id)) + 1
  return { images: [...newest.slice(waiting), ...held.slice(end, end + waiting)], waiting }
}

/** True where two lists hold the same pictures in the same state. */
export function isSameList(one, other) {
  return one.length === other.length && one.every((image, at) => image === other[at])
}
