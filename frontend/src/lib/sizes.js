export const SIDE_MIN = 256
export const SIDE_MAX = 2048
export const SIDE_STEP = 16

/** On a processor the server draws at most this many pixels. */
const CPU_AREA_PX = 512 * 512

/** Landscape and square sizes; the portrait ones are their mirror. All lie between 512 and 1536 or close below. */
const SIZES = {
  '1:1': [[512, 512], [768, 768], [1024, 1024], [1280, 1280], [1536, 1536]],
  '3:2': [[768, 512], [960, 640], [1152, 768], [1536, 1024]],
  '4:3': [[704, 528], [768, 576], [1024, 768], [1280, 960], [1536, 1152]],
  '16:9': [[1024, 576], [1280, 720], [1536, 864]],
}

function portrait(ratio) {
  return SIZES[ratio].map(([width, height]) => [height, width])
}

/** Presets by ratio, in the order in which the form shows them. */
export const PRESETS = {
  '1:1': SIZES['1:1'],
  '3:2': SIZES['3:2'],
  '4:3': SIZES['4:3'],
  '16:9': SIZES['16:9'],
  '2:3': portrait('3:2'),
  '3:4': portrait('4:3'),
  '9:16': portrait('16:9'),
}

/** The ratio whose presets hold this size, or null. */
export function ratioOf(width, height) {
  const found = Object.entries(PRESETS).find(([, sizes]) => sizes.some(([w, h]) => w === width && h === height))
  return found ? found[0] : null
}

/** The preset of `ratio` whose area is nearest to that of the given size. */
export function nearestPreset(ratio, width, height) {
  const distance = ([w, h]) => Math.abs(Math.log((w * h) / (width * height)))
  return PRESETS[ratio].reduce((best, size) => (distance(size) < distance(best) ? size : best))
}

/** True for a side that the server takes. */
export function isValidSide(value) {
  return Number.isInteger(value) && value >= SIDE_MIN && value <= SIDE_MAX && value % SIDE_STEP === 0
}

function fitSides(width, height, maxSide) {
  const longest = Math.max(width, height)
  if (!maxSide || longest <= maxSide) return [width, height]
  return [width, height].map((side) => Math.max(SIDE_MIN, Math.round((side * maxSide) / longest)))
}

function neighbours(value, multiple) {
  return [Math.floor, Math.ceil].map((round) => Math.max(multiple, round(value / multiple) * multiple))
}

/**
 * The size that the server will draw for a request: within the model's longest side, on its grid and, on a
 * processor, within the area of 512 × 512. Mirrors backend/services/planner.py.
 */
export function drawnSize(width, height, { multiple = SIDE_STEP, maxSide = null, onCpu = false } = {}) {
  const [wanted, high] = fitSides(width, height, maxSide)
  const maxArea = onCpu ? CPU_AREA_PX : Infinity
  const scale = Math.min(1, Math.sqrt(maxArea / (wanted * high)))
  const unfitness = ([w, h]) => [Math.max(0, w * h - maxArea), Math.abs(Math.log((w * high) / (h * wanted))), -w * h]
  const isBetter = (a, b) => {
    const different = a.findIndex((value, index) => value !== b[index])
    return different >= 0 && a[different] < b[different]
  }
  const sizes = neighbours(wanted * scale, multiple).flatMap((w) =>
    neighbours(high * scale, multiple).map((h) => [w, h]),
  )
  return sizes.reduce((best, size) => (isBetter(unfitness(size), unfitness(best)) ? size : best))
}
