const FULL = 255
/** So many pairs of two bytes add up in sixteen bits. */
const ROUND = 128

/** The sum of a mask's greys: four at a time, since a large one has sixteen million. */
function sumOf(mask) {
  const fours = new Uint32Array(mask.buffer, mask.byteOffset, mask.length >>> 2)
  let sum = 0
  for (let start = 0; start < fours.length; start += ROUND) {
    let pairs = 0
    for (let at = start, stop = Math.min(fours.length, start + ROUND); at < stop; at += 1) {
      pairs += (fours[at] & 0xff00ff) + ((fours[at] >>> 8) & 0xff00ff)
    }
    sum += (pairs & 0xffff) + (pairs >>> 16)
  }
  for (let at = fours.length * 4; at < mask.length; at += 1) sum += mask[at]
  return sum
}

/** The share of a mask that is to be repainted, 0 to 1; grey counts in part. */
export function shareOf(mask) {
  return sumOf(mask) / (FULL * mask.length)
}

/** Whether a layer has anything in it. */
export function isPainted(pixels) {
  if (!pixels) return false
  for (let at = 0; at < pixels.length; at += 1) if (pixels[at] !== 0) return true
  return false
}

/** Whether a sketch has paint where a mask has none. */
export function isLoose(sketch, mask) {
  if (!sketch) return false
  for (let at = 0; at < sketch.length; at += 1) if (sketch[at] !== 0 && mask[at] === 0) return true
  return false
}

/** White wherever a sketch has paint. */
export function whereSketched(sketch) {
  const mask = new Uint8Array(sketch.length)
  for (let at = 0; at < sketch.length; at += 1) if (sketch[at] !== 0) mask[at] = FULL
  return mask
}
