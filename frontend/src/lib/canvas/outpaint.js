export const SIDES = ['top', 'right', 'bottom', 'left']

/** The direction in which a handle is pulled outwards. */
const OUTWARDS = { top: ['y', -1], bottom: ['y', 1], left: ['x', -1], right: ['x', 1] }
const ACROSS = { top: 'height', bottom: 'height', left: 'width', right: 'width' }
const OPPOSITE = { top: 'bottom', bottom: 'top', left: 'right', right: 'left' }

/** How far a side may grow: a multiple of `step`, with which the whole stays within `mostSide` pixels. */
export function mostOutpaint(side, outpaint, size, { step, mostSide }) {
  const room = mostSide - size[ACROSS[side]] - outpaint[OPPOSITE[side]]
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
export const OUTWARD_KEYS = { top: 'ArrowUp', right: 'ArrowRight', bottom: 'ArrowDown', left: 'ArrowLeft' }
export const INWARD_KEYS = { top: 'ArrowDown', right: 'ArrowLeft', bottom: 'ArrowUp', left: 'ArrowRight' }

/** Where a handle's middle stands, in the picture's pixels. */
export function handleAt(side, { width, height }, outpaint) {
  const [left, top] = [-outpaint.left, -outpaint.top]
  const [right, bottom] = [width + outpaint.right, height + outpaint.bottom]
  const middle = { x: (left + right) / 2, y: (top + bottom) / 2 }
  return { top: { ...middle, y: top }, bottom: { ...middle, y: bottom }, left: { ...middle, x: left }, right: { ...middle, x: right } }[side]
}
