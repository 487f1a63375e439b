export const SIDES = ['top', 'right', 'bottom', 'left']

/** The direction in which a handle is pulled outwards. */
const OUTWARDS = { top: ['y', -1], bottom: ['y', 1], left: ['x', -1], right: ['x', 1] }
const ACROSS = { top: 'height', bottom: 'height', left: 'width', right: 'width' }
const OPPOSITE = { top: 'bottom', bottom: 'top', left: 'right', right: 'left' }

/** What the API takes: how far one side may grow, and how long and large the whole may be. */
export const MOST_GROWTH = 2048
export const MOST_SIDE = 8192
export const MOST_PIXELS = 50_000_000

/** How far a side may grow: a multiple of `step`, with which the whole stays within the limits. */
export function mostOutpaint(side, outpaint, size, { step, mostSide }) {
  const isUpright = ACROSS[side] === 'height'
  const beside = isUpright ? size.width + outpaint.left + outpaint.right : size.height + outpaint.top + outpaint.bottom
  const length = Math.min(mostSide, Math.floor(MOST_PIXELS / beside))
  const room = Math.min(MOST_GROWTH, length - size[ACROSS[side]] - outpaint[OPPOSITE[side]])
  return Math.max(0, Math.floor(room / step) * step)
}

/** The nearest multiple of `step` that a side may have. */
export function snapOutpaint(value, most, step) {
  return Math.min(most, Math.max(0, Math.round(value / step) * step))
}

/** A side after its handle was moved by so many of the picture's pixels. */
export function dragged(side, from, moved) {
  const [axis, direction] = OUTWARDS[side]
  return from + direction * moved[axis]
}

/** Which arrow makes a side larger. */
const OUTWARD_KEYS = { top: 'ArrowUp', right: 'ArrowRight', bottom: 'ArrowDown', left: 'ArrowLeft' }
const INWARD_KEYS = { top: 'ArrowDown', right: 'ArrowLeft', bottom: 'ArrowUp', left: 'ArrowRight' }
const LEAP = 4
const PAGE = 8

/** A side after a key on its handle, null where the key moves nothing. */
export function pressed(side, { key, shiftKey }, { value, most, step }) {
  const ways = { [OUTWARD_KEYS[side]]: shiftKey ? LEAP : 1, [INWARD_KEYS[side]]: shiftKey ? -LEAP : -1, PageUp: PAGE, PageDown: -PAGE, Home: -Infinity, End: Infinity }
  return Object.hasOwn(ways, key) ? snapOutpaint(value + ways[key] * step, most, step) : null
}

export const grows = (outpaint) => SIDES.some((side) => outpaint[side] > 0)

/** How far the new part of a picture reaches into the old one, fading, unless told otherwise. See docs/editing.md. */
const OVERLAP_PX = 32
const MOST_OVERLAP = 0.25
const EDGE_PX = 16

/** The soft edge that suits what is done to a picture of a size. */
export function usualFeather(outpaint, { width, height }) {
  return grows(outpaint) ? Math.min(OVERLAP_PX, Math.floor(Math.min(width, height) * MOST_OVERLAP)) : EDGE_PX
}

/** A soft edge after the sides have changed: one that nobody chose follows what is done. */
export function featherAfter(feather, before, after, size) {
  if (grows(before) === grows(after) || feather !== usualFeather(before, size)) return feather
  return usualFeather(after, size)
}

/** Where a handle's middle stands, in the picture's pixels. */
export function handleAt(side, { width, height }, outpaint) {
  const [left, top] = [-outpaint.left, -outpaint.top]
  const [right, bottom] = [width + outpaint.right, height + outpaint.bottom]
  const middle = { x: (left + right) / 2, y: (top + bottom) / 2 }
  return { top: { ...middle, y: top }, bottom: { ...middle, y: bottom }, left: { ...middle, x: left }, right: { ...middle, x: right } }[side]
}
