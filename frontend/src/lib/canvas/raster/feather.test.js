import { Buffer } from 'node:buffer'

import { describe, expect, it } from 'vitest'

import { featherMask, featherReach, softenRect } from './feather.js'

const SIZE = { width: 24, height: 16 }
const WHOLE = { left: 0, top: 0, right: 24, bottom: 16 }

/** A dot, a rectangle at the bottom, a grey corner, and a dark dot. */
function sample() {
  const mask = new Uint8Array(SIZE.width * SIZE.height)
  const fill = (left, top, right, bottom, value) => {
    for (let y = top; y < bottom; y += 1) mask.fill(value, y * SIZE.width + left, y * SIZE.width + right)
  }
  fill(7, 6, 8, 7, 255)
  fill(14, 10, 20, 13, 255)
  fill(20, 2, 24, 4, 128)
  fill(3, 12, 4, 13, 40)
  return mask
}

/** What `feather_mask` of zimage.conditions.masks answers as strengths for the same mask, a row a line. */
const PYTHON = {
  'an odd feather, 7': {
    feather: 7,
    rows: [
      '00050a10151a1f241f1a15100a05122537495b6e80808080',
      '000a151f2a343f493f342a1f150a122537495b6e80808080',
      '000f1f2f3f4e5e6d5e4e3f2f1f0f122537495b6e80808080',
      '00152a3e53687d927d68533e2a15122537495b6e80808080',
      '001a344e68829cb6a28c78634e39436382a2c0e0faf5efea',
      '001f3f5d7d9cbcdbc6b19c87735d637d97b1cbe5f5eae0d5',
      '06436382a2c0e0ffead5c1ac97828297acc1d5eaf0e0d0c0',
      '0b637d97acc0d6eadbcbbbb1a79ca1b1c0d0e0f0ead5c1ac',
      '118297acb6c0cbd5cbc0b6b6b6b6c0cbd5e0eaf5e5cbb197',
      '17a1b1c0c1c0c1c0bbb6b1bbc6d0e0e5eaeff5fae0c0a282',
      '1dc0cbd5cbc0b6acacacacc1d5eaffffffffffffdbb6926d',
      '22e0e5ead6c0ac97979797b1cbe5ffffffffffffdbb6926d',
      '28ffffffe0c0a282828282a2c0e0ffffffffffffdbb6926d',
      '28282828221d17116d6d6d92b6dbffffffffffffdbb6926d',
      '28282828221d17116d6d6d92b6dbffffffffffffdbb6926d',
      '28282828221d17116d6d6d92b6dbffffffffffffdbb6926d',
    ],
  },
  'an even one, 4': {
    feather: 4,
    rows: [
      '000000000000000000000000000000001a334d6680808080',
      '000000000000000000000000000000001a334d6680808080',
      '0000000a141f2933291f140a000000001a334d6680808080',
      '00000014293d5266523d2914000000001a334d6680808080',
      '0000001f3d5c7a997a5c3d1f0000000015293d5266666666',
      '00000029527aa3cca37a522900000000101f2e3d4d4d4d4d',
      '000000336699ccffcc9970471f293333475c70858f857a70',
      '00000029527aa3cca37a66523d526666707a858f85705c47',
      '03050652667a8fa37a5c5c5c5c7a9999999999997a5c3d1f',
      '060a0d7a7a7a7a7a523d52667aa3cccccccccccca37a5229',
      '0a0e13a38f7a6652291f477099ccffffffffffffcc996633',
      '0d131a201a130d060000336699ccffffffffffffcc996633',
      '10182028201810080000336699ccffffffffffffcc996633',
      '0d131a201a130d06000029527aa3cccccccccccca37a5229',
      '0a0e1318130e0a0500001f3d5c7a9999999999997a5c3d1f',
      '060a0d100d0a0603000014293d52666666666666523d2914',
    ],
  },
  'a picture that grows at the top and on the right': {
    feather: 8,
    outpaint: { top: 16, right: 3, bottom: 0, left: 0 },
    rows: [
      'e9eceff2f6f9fcfffcf9f6f2f2f2f2f2f2f6f9fcffffffff',
      'd3d9dfe6ecf2f9fff9f2ece6e6e6e6e6e6ecf2f9ffffffff',
      'bdc6d0d9e3ecf6fff9f2ece6e6e6e6e6e6ecf2f9ffffffff',
      'a7b3c0cdd9e6f3fff9f2ece6e6e6e6e6e6ecf2f9ffffffff',
      'a7b3c0cdd9e6f3fff9f2ece6e6e6e6e6e6ecf2f9ffffffff',
      'a7b3c0cdd9e6f3fff9f2ece6e6e6e6e6e6ecf2f9ffffffff',
      'a7b3c0cdd9e6f3fff9f2ece6e6e6e6e6e6ecf2f9ffffffff',
      'a7b3c0cdd6dfecf9f2ece6e0e0e3e6e6e6ecf2f9ffffffff',
      'a7b3c0cdd3d9e6f2ece6dfd9d9e0e6e6e6ecf2f9ffffffff',
      'bdc6d0d9d9d9e3ece9e6e3dfdfe9f2f2f2f6f9fcffffffff',
      'd3d9dfe6e0d9dfe6e6e6e6e6e6f3ffffffffffffffffffff',
      'e9eceff2e6d9dcdfdfdfdfdfdfefffffffffffffffffffff',
      'ffffffffecd9d9d9d9d9d9d9d9ecffffffffffffffffffff',
      'ffffffffe9d3d3d3d3d3d3d3d3e9ffffffffffffffffffff',
      'ffffffffe6cccccccccccccccce6ffffffffffffffffffff',
      '28282828241fc6c6c6c6c6c6c6e3ffffffffffffffffffff',
    ],
  },
}

const farthest = (one, other) => one.reduce((most, value, at) => Math.max(most, Math.abs(value - other[at])), 0)

describe('softenRect', () => {
  it.each(Object.entries(PYTHON))('is what the server draws, within a grey: %s', (_name, { rows, ...how }) => {
    const expected = Uint8Array.from(Buffer.from(rows.join(''), 'hex'))
    expect(farthest(softenRect(sample(), SIZE, WHOLE, how), expected)).toBeLessThanOrEqual(1)
  })

  it.each([
    [0, 0, 5, 5],
    [3, 8, 20, 16],
    [23, 0, 24, 1],
  ])('gives of a part the same as of the whole: %s, %s to %s, %s', (left, top, right, bottom) => {
    const how = { feather: 6, outpaint: { top: 0, right: 0, bottom: 8, left: 2 } }
    const whole = softenRect(sample(), SIZE, WHOLE, how)
    const part = softenRect(sample(), SIZE, { left, top, right, bottom }, how)
    const across = right - left
    const expected = part.map((_, at) => whole[(top + Math.floor(at / across)) * SIZE.width + left + (at % across)])
    expect(part).toEqual(expected)
  })

  it('spreads one pixel as far as the server does: 64 pixels, a seventh of the picture and not a thousandth', () => {
    const mask = new Uint8Array(256 * 256)
    mask[128 * 256 + 128] = 255
    const soft = featherMask(mask, { width: 256, height: 256 }, 64)
    expect(soft[128 * 256 + 128]).toBe(255)
    expect([soft[128 * 256 + 128 + 64], soft[128 * 256 + 128 + 65]]).toEqual([4, 0])
    expect(soft.reduce((sum, value) => sum + value, 0) / 255 / soft.length).toBeCloseTo(65 ** 2 / 256 ** 2, 3)
  })
})

describe('featherMask', () => {
  it('gives a copy where there is nothing to soften, and leaves what it is given', () => {
    const mask = sample()
    expect(featherMask(mask, SIZE, 1)).toEqual(mask)
    expect(featherMask(mask, SIZE, 0)).not.toBe(mask)
    featherMask(mask, SIZE, 9)
    expect(mask).toEqual(sample())
  })

  it('keeps white and black as they are', () => {
    const white = new Uint8Array(SIZE.width * SIZE.height).fill(255)
    expect(featherMask(white, SIZE, 20)).toEqual(white)
    expect(featherMask(new Uint8Array(white.length), SIZE, 20)).toEqual(new Uint8Array(white.length))
  })
})

it('reaches as far as the server: an even number of pixels', () => {
  expect([0, 1, 2, 7, 64].map(featherReach)).toEqual([0, 0, 2, 6, 64])
})
