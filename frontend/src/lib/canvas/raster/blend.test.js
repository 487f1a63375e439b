import { describe, expect, it } from 'vitest'

import { fromHex, fromPixel, maskErase, maskPaint, sketchErase, sketchPaint, toHex, toPixel } from './blend.js'

const FULL = 255

describe('colours', () => {
  it.each([[[0, 0, 0, 0]], [[255, 255, 255, 255]], [[1, 2, 3, 4]], [[16, 32, 48, 200]]])('are packed and unpacked: %j', (channels) => {
    expect(fromPixel(toPixel(channels))).toEqual(channels)
  })

  it('lie in memory as a canvas has them', () => {
    expect([...new Uint8Array(Uint32Array.of(toPixel([1, 2, 3, 4])).buffer)]).toEqual([1, 2, 3, 4])
  })

  it('are written and read', () => {
    expect(toHex(fromHex('#0a0bfc'))).toBe('#0a0bfc')
  })
})

describe('painting', () => {
  it('a mask goes from what was there to white or black, by as much as is covered', () => {
    for (const before of [0, 77, 255]) {
      expect([maskPaint(before, 0), maskPaint(before, FULL)]).toEqual([before, 255])
      expect([maskErase(before, 0), maskErase(before, FULL)]).toEqual([before, 0])
    }
    expect([maskPaint(0, 128), maskErase(255, 55)]).toEqual([128, 200])
  })

  it('a sketch lays colours over colours, and nothing becomes nothing', () => {
    const paint = sketchPaint('#ff0000')
    expect(fromPixel(paint(toPixel([0, 0, 255]), 128))).toEqual([128, 0, 127, 255])
    expect(fromPixel(paint(0, 128))).toEqual([255, 0, 0, 128])
    expect(paint(0, 0)).toBe(0)
    expect(fromPixel(sketchErase(toPixel([9, 9, 9, 200]), 128))).toEqual([9, 9, 9, 100])
    expect(sketchErase(toPixel([9, 9, 9, 200]), FULL)).toBe(0)
  })
})
