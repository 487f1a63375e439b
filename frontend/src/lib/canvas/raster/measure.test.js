import { describe, expect, it } from 'vitest'

import { isLoose, isPainted, shareOf, whereSketched } from './measure.js'

describe('shareOf', () => {
  it.each([0, 1, 3, 4, 511, 512, 513, 5003])('is the mean of %s greys and more', (extra) => {
    const mask = Uint8Array.from({ length: extra + 1 }, (_, at) => (at * 7919) % 256)
    expect(shareOf(mask)).toBeCloseTo(mask.reduce((sum, value) => sum + value, 0) / (255 * mask.length), 12)
  })

  it('is one where all is white', () => {
    expect(shareOf(new Uint8Array(100_001).fill(255))).toBe(1)
  })
})

describe('isPainted', () => {
  it('finds the last pixel too', () => {
    const pixels = new Uint32Array(99)
    expect([isPainted(null), isPainted(pixels)]).toEqual([false, false])
    pixels[98] = 1
    expect(isPainted(pixels)).toBe(true)
  })
})

describe('a sketch beside a mask', () => {
  it('is loose where it has paint and the mask has none', () => {
    const sketch = Uint32Array.of(0, 9, 9)
    expect([isLoose(sketch, Uint8Array.of(0, 1, 255)), isLoose(sketch, Uint8Array.of(255, 0, 255)), isLoose(null, Uint8Array.of(0))]).toEqual([false, true, false])
    expect([...whereSketched(sketch)]).toEqual([0, 255, 255])
  })
})
