import { boxBlur, grow, growWhite } from './blur.js'
import { boxAround, cut, NONE, paste } from './parts.js'

const FULL = 255

/** Half of how far a soft edge goes; an odd feather counts as the even one below it. */
const radiusOf = (feather) => Math.floor(feather / 2)

/** How many rows and columns around what is painted a soft edge changes. */
export const featherReach = (feather) => 2 * radiusOf(feather)

/** A part of a mask with its soft edge, where everything around is known. */
function fade(values, size, radius) {
  const { changing, hasGreys } = changed(values)
  // A box that is blurred by half the width begins to fall at its old edge when it is grown by half the width.
  const share = boxBlur(growWhite(changing, size, radius), size, radius)
  if (!hasGreys) return share
  const around = grow(values, size, 2 * radius)
  for (let at = 0; at < share.length; at += 1) share[at] = Math.max(values[at], Math.floor((around[at] * share[at] + 127) / FULL))
  return share
}

/** White wherever a mask is not black, and whether it has anything between the two. */
function changed(values) {
  const changing = new Uint8Array(values.length)
  let hasGreys = false
  for (let at = 0; at < values.length; at += 1) {
    if (values[at] === 0) continue
    changing[at] = FULL
    hasGreys ||= values[at] !== FULL
  }
  return { changing, hasGreys }
}

/** Where a picture's canvas reaches, in the picture's own pixels. */
function canvasOf({ width, height }, { top, right, bottom, left }) {
  return { left: -left, top: -top, right: width + right, bottom: height + bottom }
}

const widened = (rect, by) => ({ left: rect.left - by, top: rect.top - by, right: rect.right + by, bottom: rect.bottom + by })
const common = (a, b) => ({
  left: Math.max(a.left, b.left),
  top: Math.max(a.top, b.top),
  right: Math.min(a.right, b.right),
  bottom: Math.min(a.bottom, b.bottom),
})
const sizeOf = ({ left, top, right, bottom }) => ({ width: right - left, height: bottom - top })

/**
 * A rectangle of a mask with its soft edge, as the server draws it: what is painted stays as it is, and from there
 * it falls to nothing within `feather` pixels. What grows around the picture is painted, too.
 *
 * See `feather_mask` in Z-Image/src/zimage/conditions/masks.py.
 *
 * @param mask greys of a picture of `size`; it is left as it is.
 * @param rect `{left, top, right, bottom}` in whole pixels, of the picture.
 * @returns the greys of the rectangle.
 */
export function softenRect(mask, size, rect, { feather, outpaint = NONE }) {
  const reach = featherReach(feather)
  const near = common(widened(rect, reach), canvasOf(size, outpaint))
  if (reach === 0) return cut(mask, size, rect)
  const painted = boxAround(cut(mask, size, near), near)
  const soft = new Uint8Array((rect.right - rect.left) * (rect.bottom - rect.top))
  if (!painted) return soft
  const work = common(widened(painted, reach), near)
  paste(fade(cut(mask, size, work), sizeOf(work), radiusOf(feather)), work, soft, rect)
  return soft
}

/** A mask with its soft edge; `feather` 0 gives a copy. */
export function featherMask(mask, size, feather) {
  return softenRect(mask, size, { left: 0, top: 0, right: size.width, bottom: size.height }, { feather })
}
