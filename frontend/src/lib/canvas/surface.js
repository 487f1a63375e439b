import { fromHex, toPixel } from './raster/blend.js'

/** Writes a mask's greys into a canvas's pixels, as so much of one colour. */
export function tintMask(mask, layerWidth, rect, hex, target) {
  const tint = toPixel([...fromHex(hex), 0])
  let to = 0
  for (let y = rect.top; y < rect.bottom; y += 1) {
    for (let at = y * layerWidth + rect.left, end = y * layerWidth + rect.right; at < end; at += 1) {
      target[to] = tint | (mask[at] << 24)
      to += 1
    }
  }
}

export function copySketch(sketch, layerWidth, rect, target) {
  for (let y = rect.top, to = 0; y < rect.bottom; y += 1, to += rect.right - rect.left) {
    target.set(sketch.subarray(y * layerWidth + rect.left, y * layerWidth + rect.right), to)
  }
}

/** The smallest rectangle around both. */
export function union(a, b) {
  if (!a) return b
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  }
}

/** The whole pixels of a rectangle that are in the picture; null where there are none. */
export function clip(rect, { width, height }) {
  const inside = {
    left: Math.max(0, Math.floor(rect.left)),
    top: Math.max(0, Math.floor(rect.top)),
    right: Math.min(width, Math.ceil(rect.right)),
    bottom: Math.min(height, Math.ceil(rect.bottom)),
  }
  return inside.right > inside.left && inside.bottom > inside.top ? inside : null
}

/** A layer's pixels on a canvas of the same size; what has changed is written when it is next drawn. */
export class Surface {
  #dirty = null

  /** `write(rect, target)` fills `target`, a pixel a number, with what the layer has in the rectangle. */
  constructor(size, write) {
    this.size = size
    this.write = write
    this.canvas = Object.assign(document.createElement('canvas'), size)
    this.context = this.canvas.getContext('2d')
  }

  touch(rect) {
    const inside = clip(rect, this.size)
    if (inside) this.#dirty = union(this.#dirty, inside)
  }

  flush() {
    const rect = this.#dirty
    if (!rect) return
    this.#dirty = null
    const image = this.context.createImageData(rect.right - rect.left, rect.bottom - rect.top)
    this.write(rect, new Uint32Array(image.data.buffer))
    this.context.putImageData(image, rect.left, rect.top)
  }
}
