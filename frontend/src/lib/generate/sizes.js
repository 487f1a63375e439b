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

function neighbours(value, multiple) {
  return [Math.floor, Math.ceil].map((round) => Math.max(multiple, round(value / multiple) * multiple))
}

function best(sizes, unfitness) {
  const isBetter = (a, b) => {
    const different = a.findIndex((value, index) => value !== b[index])
    return different >= 0 && a[different] < b[different]
  }
  return sizes.reduce((chosen, size) => (isBetter(unfitness(size), unfitness(chosen)) ? size : chosen))
}

function nearestSize(width, height, sizes, maxArea) {
  const allowed = sizes.filter(([w, h]) => w * h <= maxArea)
  if (allowed.length === 0) return best(sizes, ([w, h]) => [w * h])
  const aspect = ([w, h]) => Number(Math.abs(Math.log((w * height) / (h * width))).toFixed(6))
  return best(allowed, (size) => [aspect(size), Math.abs(Math.log((size[0] * size[1]) / (width * height)))])
}

/**
 * The size that the server will draw for a request: one of the model's own when it has only a few, else one on its
 * grid; on a processor within the area of 512 × 512. Mirrors backend/services/generation/sizes.py.
 */
export function drawnSize(width, height, { multiple = SIDE_STEP, sizes = [], onCpu = false } = {}) {
  const maxArea = onCpu ? CPU_AREA_PX : Infinity
  if (sizes.length > 0) return nearestSize(width, height, sizes, maxArea)
  const scale = Math.min(1, Math.sqrt(maxArea / (width * height)))
  const unfitness = ([w, h]) => [Math.max(0, w * h - maxArea), Math.abs(Math.log((w * height) / (h * width))), -w * h]
  const near = neighbours(width * scale, multiple).flatMap((w) =>
    neighbours(height * scale, multiple).map((h) => [w, h]),
  )
  return best(near, unfitness)
}
