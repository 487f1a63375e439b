import { fromPixel } from './blend.js'

const FULL = 255

/** What of a picture's pixels is taken for a mask. */
export const READINGS = ['brightness', 'opaque', 'transparent']
/** How a mask of another size is laid over the picture. */
export const FITS = ['stretch', 'contain', 'cover']

const READERS = {
  brightness: ([red, green, blue, alpha]) => Math.round(((0.299 * red + 0.587 * green + 0.114 * blue) * alpha) / FULL),
  opaque: ([, , , alpha]) => alpha,
  transparent: ([, , , alpha]) => FULL - alpha,
}

/** The greys of a mask out of a picture's pixels; see toPixel. */
export function maskFromPixels(pixels, reading) {
  const read = READERS[reading]
  return Uint8Array.from(pixels, (pixel) => read(fromPixel(pixel)))
}

export function hasAlpha(pixels) {
  return pixels.some((pixel) => pixel >>> 24 < FULL)
}

/** A mask of another shape was made for another picture; a pixel or a hundredth of it is only rounding. */
const TOLERANCE = 0.01

/** Whether two sizes have the same shape, as the server sees it. */
export function hasShapeOf(size, other) {
  const isNear = (side, wanted) => Math.abs(side - wanted) <= Math.max(1, TOLERANCE * side)
  return isNear(size.width, (other.width * size.height) / other.height) || isNear(size.height, (other.height * size.width) / other.width)
}

/** How much a source is scaled along each side, so that it lies in the middle of the target. */
function scalesOf(from, to, fit) {
  const [across, down] = [to.width / from.width, to.height / from.height]
  if (fit === 'stretch') return [across, down]
  const both = fit === 'contain' ? Math.min(across, down) : Math.max(across, down)
  return [both, both]
}

/** Where each of `count` columns or rows of the target comes from; -1 where the source does not reach. */
function sourcesOf(count, sourceCount, scale) {
  const offset = (count - sourceCount * scale) / 2
  return Int32Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index + 0.5 - offset) / scale)
    return from >= 0 && from < sourceCount ? from : -1
  })
}

/** A mask in another size, by the nearest pixel: black and white stay black and white. What it does not cover is black. */
export function fitMask(mask, from, to, fit) {
  if (from.width === to.width && from.height === to.height) return mask
  const [across, down] = scalesOf(from, to, fit)
  const columns = sourcesOf(to.width, from.width, across)
  const rows = sourcesOf(to.height, from.height, down)
  const fitted = new Uint8Array(to.width * to.height)
  rows.forEach((row, y) => {
    if (row < 0) return
    columns.forEach((column, x) => {
      if (column >= 0) fitted[y * to.width + x] = mask[row * from.width + column]
    })
  })
  return fitted
}
