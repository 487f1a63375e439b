import { describe, expect, it } from 'vitest'

import { toPixel } from './blend.js'
import { fitMask, hasAlpha, hasShapeOf, maskFromPixels } from './import.js'

const pixels = Uint32Array.from([[0, 0, 0], [255, 255, 255], [128, 128, 128], [255, 0, 0], [255, 255, 255, 0], [10, 20, 30, 51]].map(toPixel))

describe('hasShapeOf', () => {
  it.each([
    [400, 300, 800, 600, true],
    [401, 300, 800, 600, true],
    [333, 250, 1000, 750, true],
    [400, 300, 600, 800, false],
    [64, 64, 640, 480, false],
  ])('%s × %s beside %s × %s: %s', (width, height, wide, high, is) => {
    expect(hasShapeOf({ width, height }, { width: wide, height: high })).toBe(is)
  })
})

describe('maskFromPixels', () => {
  it('reads brightness, greys to the bit', () => expect([...maskFromPixels(pixels, 'brightness')]).toEqual([0, 255, 128, 76, 0, 4]))

  it('reads what is painted, or what is not', () => {
    expect([...maskFromPixels(pixels, 'opaque')]).toEqual([255, 255, 255, 255, 0, 51])
    expect([...maskFromPixels(pixels, 'transparent')]).toEqual([0, 0, 0, 0, 255, 204])
  })

  it('keeps every grey', () => {
    const greys = Uint32Array.from({ length: 256 }, (_, grey) => toPixel([grey, grey, grey]))
    expect([...maskFromPixels(greys, 'brightness')]).toEqual(Array.from({ length: 256 }, (_, grey) => grey))
  })

  it('knows whether anything shines through', () => {
    expect([hasAlpha(pixels), hasAlpha(pixels.slice(0, 4))]).toEqual([true, false])
  })
})

describe('fitMask', () => {
  const mask = Uint8Array.of(255, 0, 0, 255)
  const square = { width: 2, height: 2 }
  const rows = (fitted, width) => fitted.join(',').split(',').map((value) => (value === '255' ? '#' : '.')).join('').match(new RegExp(`.{${width}}`, 'g'))

  it('stretches', () => {
    expect(rows(fitMask(mask, square, { width: 8, height: 4 }, 'stretch'), 8)).toEqual(['####....', '####....', '....####', '....####'])
  })

  it('fits inside, with nothing beside it', () => {
    expect(rows(fitMask(mask, square, { width: 8, height: 4 }, 'contain'), 8)).toEqual(['..##....', '..##....', '....##..', '....##..'])
  })

  it('covers all, cut at the ends', () => {
    expect(rows(fitMask(mask, square, { width: 8, height: 4 }, 'cover'), 8)).toEqual(['####....', '####....', '....####', '....####'])
  })

  it('is left alone in the same size', () => expect(fitMask(mask, square, square, 'cover')).toBe(mask))

  it('knows only the greys that were there', () => {
    const grey = Uint8Array.from({ length: 35 }, (_, at) => (at % 2 ? 255 : 7))
    expect(new Set(fitMask(grey, { width: 7, height: 5 }, { width: 33, height: 19 }, 'stretch'))).toEqual(new Set([7, 255]))
  })
})
