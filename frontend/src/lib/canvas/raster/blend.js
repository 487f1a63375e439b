const FULL = 255

/** Greys of a mask: white is repainted. */
export const maskPaint = (before, coverage) => before + Math.round(((FULL - before) * coverage) / FULL)
export const maskErase = (before, coverage) => Math.round((before * (FULL - coverage)) / FULL)

/** A pixel of a sketch as one number, in the order in which a canvas lays red, green, blue and alpha into memory. */
export function toPixel([red, green, blue, alpha = FULL]) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0
}

export function fromPixel(pixel) {
  return [pixel & FULL, (pixel >>> 8) & FULL, (pixel >>> 16) & FULL, pixel >>> 24]
}

/** `#rrggbb` as `[red, green, blue]`. */
export function fromHex(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16))
}

export function toHex(channels) {
  return `#${channels.slice(0, 3).map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
}

/** Paints a colour over what is there (source over, colours not premultiplied). */
export function sketchPaint(hex) {
  const colour = fromHex(hex)
  const opaque = toPixel(colour)
  return (before, coverage) => {
    if (coverage === FULL) return opaque
    const old = fromPixel(before)
    const kept = (old[3] * (FULL - coverage)) / FULL
    const alpha = coverage + kept
    if (alpha === 0) return before
    const mixed = colour.map((channel, index) => Math.round((channel * coverage + old[index] * kept) / alpha))
    return toPixel([...mixed, Math.round(alpha)])
  }
}

/** Takes paint away; what has none left is nothing. */
export function sketchErase(before, coverage) {
  const [red, green, blue, alpha] = fromPixel(before)
  const left = Math.round((alpha * (FULL - coverage)) / FULL)
  return left === 0 ? 0 : toPixel([red, green, blue, left])
}
