import { describe, expect, it } from 'vitest'

import { fromPixel, toPixel } from './raster/blend.js'
import { clip, copySketch, tintMask, union } from './surface.js'

describe('what is shown', () => {
  it('of a mask is so much of its colour', () => {
    const mask = Uint8Array.of(0, 128, 255, 1, 2, 3)
    const target = new Uint32Array(4)
    tintMask(mask, 3, { left: 1, top: 0, right: 3, bottom: 2 }, '#102030', target)
    expect([...target].map(fromPixel)).toEqual([128, 255, 2, 3].map((alpha) => [16, 32, 48, alpha]))
  })

  it('of a sketch is what it is', () => {
    const sketch = Uint32Array.of(1, 2, 3, 4, 5, toPixel([9, 8, 7, 6]))
    const target = new Uint32Array(4)
    copySketch(sketch, 3, { left: 1, top: 0, right: 3, bottom: 2 }, target)
    expect([...target]).toEqual([2, 3, 5, toPixel([9, 8, 7, 6])])
  })
})

describe('rectangles', () => {
  const rect = (left, top, right, bottom) => ({ left, top, right, bottom })

  it('are joined', () => {
    expect(union(null, rect(1, 2, 3, 4))).toEqual(rect(1, 2, 3, 4))
    expect(union(rect(1, 2, 3, 4), rect(0, 3, 2, 9))).toEqual(rect(0, 2, 3, 9))
  })

  it('are cut to whole pixels of the picture', () => {
    const size = { width: 10, height: 8 }
    expect(clip(rect(-5, 1.5, 3.2, 99), size)).toEqual(rect(0, 1, 4, 8))
    expect(clip(rect(10, 0, 20, 5), size)).toBe(null)
  })
})
