import { describe, expect, it } from 'vitest'

import { boxesFor, featherMask, featherSigma } from './feather.js'

const SIZE = { width: 64, height: 48 }

function half() {
  return Uint8Array.from({ length: SIZE.width * SIZE.height }, (_, at) => (at % SIZE.width >= 32 ? 255 : 0))
}

describe('featherMask', () => {
  it('gives a copy where there is nothing to soften', () => {
    const mask = half()
    const copy = featherMask(mask, SIZE, 0)
    expect(copy).toEqual(mask)
    expect(copy).not.toBe(mask)
  })

  it('comes near a Gaussian along an edge, the same in every row', () => {
    const feather = 8
    const soft = featherMask(half(), SIZE, feather)
    const row = [...soft.subarray(0, SIZE.width)]
    const sigma = featherSigma(feather)
    const gaussian = (x) => {
      // The integral of the bell up to x, summed.
      let sum = 0
      for (let at = -200; at < 200; at += 1) if (at / 10 < x) sum += Math.exp(-((at / 10) ** 2) / (2 * sigma * sigma)) / 10
      return (255 * sum) / (sigma * Math.sqrt(2 * Math.PI))
    }
    for (let x = 12; x < 52; x += 1) expect(Math.abs(row[x] - gaussian(x + 0.5 - 32))).toBeLessThan(6)
    for (let y = 1; y < SIZE.height; y += 1) expect([...soft.subarray(y * SIZE.width, (y + 1) * SIZE.width)]).toEqual(row)
    expect(row).toEqual(row.toSorted((a, b) => a - b))
  })

  it('leaves what is all white white, up to the border', () => {
    const white = new Uint8Array(SIZE.width * SIZE.height).fill(255)
    expect(featherMask(white, SIZE, 20)).toEqual(white)
  })

  it('does not touch the mask it is given', () => {
    const mask = half()
    featherMask(mask, SIZE, 8)
    expect(mask).toEqual(half())
  })
})

describe('boxesFor', () => {
  it.each([0.25, 1, 4, 17.5, 128])('have odd widths that together blur by a sigma of %s', (sigma) => {
    const boxes = boxesFor(sigma)
    expect(boxes.every((box) => box % 2 === 1)).toBe(true)
    const variance = boxes.reduce((sum, box) => sum + (box * box - 1) / 12, 0)
    expect(Math.abs(Math.sqrt(variance) - sigma)).toBeLessThan(Math.max(0.3, sigma * 0.05))
  })
})
