/**
 * The place among cards that a key leads to from the one at `at`; undefined where there is none, or the key is another.
 *
 * `tops` say how far down each card stands: those of a row stand equally far.
 */
export function placeAfter(tops, at, key) {
  const columns = tops.filter((top) => top === tops[0]).length
  const last = tops.length - 1
  const places = {
    ArrowLeft: at - 1,
    ArrowRight: at + 1,
    ArrowUp: at - columns,
    // Beneath the end of the last full row may be nothing: its last card is meant.
    ArrowDown: tops[at] < tops[last] ? Math.min(at + columns, last) : undefined,
    Home: 0,
    End: last,
  }
  const place = Object.hasOwn(places, key) ? places[key] : undefined
  return place >= 0 && place <= last ? place : undefined
}
