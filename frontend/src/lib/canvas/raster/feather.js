const PASSES = 3

/** The blur whose edge is about `feather` pixels wide on each side of a hard one. */
export function featherSigma(feather) {
  return feather / 2
}

/** The odd widths of boxes whose running means, one after the other, come near a Gaussian of `sigma` pixels. */
export function boxesFor(sigma) {
  const ideal = Math.sqrt((12 * sigma * sigma) / PASSES + 1)
  const lower = Math.floor(ideal) % 2 === 1 ? Math.floor(ideal) : Math.floor(ideal) - 1
  const smaller = Math.round((12 * sigma * sigma - PASSES * lower * lower - 4 * PASSES * lower - 3 * PASSES) / (-4 * lower - 4))
  return Array.from({ length: PASSES }, (_, pass) => (pass < smaller ? lower : lower + 2))
}

/** The running mean over a line of values; beyond the ends the outermost goes on. */
function meanAlong(source, target, { start, step, count }, half) {
  const at = (index) => source[start + Math.min(count - 1, Math.max(0, index)) * step]
  let sum = 0
  for (let index = -half; index <= half; index += 1) sum += at(index)
  for (let index = 0; index < count; index += 1) {
    target[start + index * step] = sum / (2 * half + 1)
    sum += at(index + half + 1) - at(index - half)
  }
}

/**
 * A mask with a soft edge: three running means, which come near a Gaussian blur.
 *
 * @param mask `width` × `height` greys; it is left as it is.
 * @param feather how wide the edge becomes on each side, in pixels; 0 gives a copy.
 */
export function featherMask(mask, { width, height }, feather) {
  if (feather <= 0) return mask.slice()
  let [source, target] = [Float32Array.from(mask), new Float32Array(mask.length)]
  for (const box of boxesFor(featherSigma(feather))) {
    const half = (box - 1) / 2
    for (let y = 0; y < height; y += 1) meanAlong(source, target, { start: y * width, step: 1, count: width }, half)
    ;[source, target] = [target, source]
    for (let x = 0; x < width; x += 1) meanAlong(source, target, { start: x, step: width, count: height }, half)
    ;[source, target] = [target, source]
  }
  return Uint8Array.from(source, Math.round)
}
