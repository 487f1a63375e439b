export const SIDE_MIN = 256
export const SIDE_MAX = 2048
export const SIDE_STEP = 16

/** On a processor the server draws at most this many pixels. */
const CPU_AREA_PX = 512 * 512

/**
 * Square and landscape sizes by ratio; the portrait ones are their mirror. The last three of each are those of the
 * ComfyUI-ZImageLatent node (its classes 1024, 1280 and 1536), the first two are small enough for a processor.
 */
const SIZES = {
  '1:1': [[512, 512], [768, 768], [1024, 1024], [1280, 1280], [1536, 1536]],
  '9:7': [[576, 448], [864, 672], [1152, 896], [1440, 1120], [1728, 1344]],
  '4:3': [[576, 432], [832, 624], [1152, 864], [1472, 1104], [1728, 1296]],
  '3:2': [[624, 416], [960, 640], [1248, 832], [1536, 1024], [1872, 1248]],
  '16:9': [[512, 288], [1024, 576], [1280, 720], [1536, 864], [2048, 1152]],
  '21:9': [[672, 288], [1008, 432], [1344, 576], [1680, 720], [2016, 864]],
}

function mirror([first, second]) {
  return [second, first]
}

function portraits() {
  const landscapes = Object.entries(SIZES).filter(([ratio]) => ratio !== '1:1')
  return landscapes.map(([ratio, sizes]) => [mirror(ratio.split(':')).join(':'), sizes.map(mirror)])
}

/** Presets by ratio: square, landscape, then portrait. */
export const PRESETS = { ...SIZES, ...Object.fromEntries(portraits()) }

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

/** The valid side nearest to what was typed. */
export function snapSide(value) {
  return Math.min(SIDE_MAX, Math.max(SIDE_MIN, Math.round(value / SIDE_STEP) * SIDE_STEP))
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
