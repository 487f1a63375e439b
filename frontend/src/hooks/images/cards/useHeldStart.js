import { useState } from 'react'

/** How many of a list's `newest` pictures have come before the one that was its first, of which there were `total`. */
function cameBefore({ first, total: before }, newest, total) {
  const at = newest.findIndex(({ id }) => id === first)
  return at >= 0 ? at : Math.max(0, total - before)
}

/**
 * Where a long list begins while `isHeld`: `{waiting, show}`. The pictures before that are `waiting` ones, shown by `show`.
 *
 * `newest` are the first pictures of it as they are now, `total` is how many it has. `list` names it, see useHeldPictures.
 */
export function useHeldStart(newest, { list, total, isHeld }) {
  const now = { list, first: newest[0]?.id, total }
  const [start, setStart] = useState(now)
  const waiting = isHeld && list !== null && start.list === list ? cameBefore(start, newest, total) : 0
  const isNew = Object.keys(now).some((key) => start[key] !== now[key])
  if (waiting === 0 && isNew) setStart(now)
  return { waiting, show: () => setStart(now) }
}
