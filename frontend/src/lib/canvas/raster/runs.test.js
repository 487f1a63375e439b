import { describe, expect, it } from 'vitest'

import { packedBytes, packRuns, unpackRuns } from './runs.js'

const noise = Uint8Array.from({ length: 999 }, (_, at) => (at * 7919) % 251)

describe('runs', () => {
  it.each([
    ['nothing', new Uint8Array(0)],
    ['one', Uint8Array.of(7)],
    ['all the same', new Uint8Array(1000).fill(255)],
    ['noise', noise],
    ['short runs', Uint8Array.from({ length: 300 }, (_, at) => Math.floor(at / 3))],
    ['a mask', Uint8Array.from({ length: 4000 }, (_, at) => (at % 200 > 60 && at % 200 < 150 ? 255 : 0))],
    ['a sketch', Uint32Array.from({ length: 700 }, (_, at) => (at % 70 > 30 ? 0xff00ff00 : at))],
  ])('come back as they were: %s', (_, values) => {
    expect(unpackRuns(packRuns(values), new values.constructor(values.length))).toEqual(values)
  })

  it('take next to nothing for what people paint, and hardly more than noise for noise', () => {
    expect(packedBytes(packRuns(new Uint8Array(100_000).fill(255)))).toBeLessThan(16)
    expect(packedBytes(packRuns(noise))).toBeLessThan(noise.length + 16)
  })
})
