import { describe, expect, it } from 'vitest'

import { boxBlur, grow, growWhite } from './blur.js'

const SIZE = { width: 13, height: 9 }
/** Numbers that look like chance and are the same every time. */
const greys = Uint8Array.from({ length: 13 * 9 }, (_, at) => (at * 7919) % 256)
const dots = greys.map((grey) => (grey > 240 ? 255 : 0))

/** What `of` makes of all neighbours within a radius, each picture's edge going on. */
function around(values, radius, of) {
  const near = (at, most) => Array.from({ length: 2 * radius + 1 }, (_, step) => Math.min(most - 1, Math.max(0, at - radius + step)))
  return values.map((_, at) => {
    const [x, y] = [at % SIZE.width, Math.floor(at / SIZE.width)]
    return of(near(y, SIZE.height).map((row) => near(x, SIZE.width).map((column) => values[row * SIZE.width + column])))
  })
}

const mean = (list) => Math.round(list.reduce((sum, value) => sum + value, 0) / list.length)

describe.each([1, 2, 5, 20])('within %s pixels', (radius) => {
  it('means what is near, row by row', () => {
    // Rounded after the rows, as the server's is.
    const expected = around(greys, radius, (rows) => mean(rows.map(mean)))
    expect([...boxBlur(greys, SIZE, radius)].every((value, at) => Math.abs(value - expected[at]) <= 1)).toBe(true)
  })

  it('grows to the largest', () => {
    expect(grow(greys, SIZE, radius)).toEqual(around(greys, radius, (rows) => Math.max(...rows.flat())))
    expect(growWhite(dots, SIZE, radius)).toEqual(around(dots, radius, (rows) => Math.max(...rows.flat())))
  })
})
