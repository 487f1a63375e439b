const FULL = 255

/** What the sum of `2 · radius + 1` greys becomes: their mean, or white wherever there is anything. */
function means(radius) {
  const count = 2 * radius + 1
  return Uint8Array.from({ length: FULL * count + 1 }, (_, sum) => Math.floor(sum / count + 0.5))
}
const anything = (radius) => new Uint8Array(FULL * (2 * radius + 1) + 1).fill(FULL, 1)

/** Running sums over the neighbours of each row, looked up in `table`; beyond the ends the outermost goes on. */
function alongRows({ from, to, width, height, radius, table }) {
  const line = new Uint8Array(width + 2 * radius + 1)
  for (let y = 0, start = 0; y < height; y += 1, start += width) {
    line.fill(from[start], 0, radius)
    line.set(from.subarray(start, start + width), radius)
    line.fill(from[start + width - 1], radius + width)
    let sum = 0
    for (let at = 0; at <= 2 * radius; at += 1) sum += line[at]
    for (let x = 0, next = 2 * radius + 1; x < width; x += 1, next += 1) {
      to[start + x] = table[sum]
      sum += line[next] - line[x]
    }
  }
}

/** The same of each column, a row after the other: that is how they lie in memory. */
function alongColumns({ from, to, width, height, radius, table }) {
  const sums = new Int32Array(width)
  const startOf = (row) => Math.min(height - 1, Math.max(0, row)) * width
  for (let row = -radius; row <= radius; row += 1) {
    const start = startOf(row)
    for (let x = 0; x < width; x += 1) sums[x] += from[start + x]
  }
  for (let y = 0; y < height; y += 1) {
    const [incoming, outgoing, start] = [startOf(y + radius + 1), startOf(y - radius), y * width]
    for (let x = 0; x < width; x += 1) {
      const sum = sums[x]
      to[start + x] = table[sum]
      sums[x] = sum + from[incoming + x] - from[outgoing + x]
    }
  }
}

function alongBoth(from, { width, height }, radius, table) {
  const [between, to] = [new Uint8Array(from.length), new Uint8Array(from.length)]
  alongRows({ from, to: between, width, height, radius, table })
  alongColumns({ from: between, to, width, height, radius, table })
  return to
}

/** A mask blurred by a square of `2 · radius + 1` pixels a side. */
export function boxBlur(values, size, radius) {
  return alongBoth(values, size, radius, means(radius))
}

/** White wherever a mask of black and white has white within `radius` rows and columns. */
export function growWhite(values, size, radius) {
  return alongBoth(values, size, radius, anything(radius))
}

/** Gives each value the largest of the `window` that begin with it, `stride` apart, in place. */
function largestAhead(values, stride, window) {
  let reach = 1
  while (reach < window) {
    const steps = Math.min(reach, window - reach)
    const shift = steps * stride
    for (let at = 0; at + shift < values.length; at += 1) if (values[at + shift] > values[at]) values[at] = values[at + shift]
    reach += steps
  }
}

/** Gives each pixel the largest grey within `radius` rows and columns. */
export function grow(values, { width, height }, radius) {
  const wide = width + 2 * radius
  const padded = new Uint8Array(wide * (height + 2 * radius))
  for (let y = 0; y < height; y += 1) padded.set(values.subarray(y * width, (y + 1) * width), (y + radius) * wide + radius)
  largestAhead(padded, wide, 2 * radius + 1)
  largestAhead(padded, 1, 2 * radius + 1) // What is read of a row does not reach the next one: it is as wide as the window.
  const grown = new Uint8Array(width * height)
  for (let y = 0; y < height; y += 1) grown.set(padded.subarray(y * wide, y * wide + width), y * width)
  return grown
}
