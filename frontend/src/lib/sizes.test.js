import { describe, expect, it } from 'vitest'

import { drawnSize, isValidSide, nearestPreset, PRESETS, ratioOf } from './sizes.js'

describe('PRESETS', () => {
  it('holds only sides that the server takes, up to 1536', () => {
    const sides = Object.values(PRESETS).flat(2)
    expect(sides.every((side) => isValidSide(side) && side <= 1536)).toBe(true)
  })

  it.each(Object.entries(PRESETS))('has sizes of the ratio %s', (ratio, sizes) => {
    const [w, h] = ratio.split(':').map(Number)
    for (const [width, height] of sizes) expect(width / height).toBeCloseTo(w / h, 2)
  })

  it('reaches from 512 × 512 to 1536 × 1536', () => {
    expect(PRESETS['1:1'].at(0)).toEqual([512, 512])
    expect(PRESETS['1:1'].at(-1)).toEqual([1536, 1536])
  })
})

describe('ratioOf', () => {
  it('finds the preset of a size', () => expect(ratioOf(768, 1152)).toBe('2:3'))
  it('knows when there is none', () => expect(ratioOf(1000, 512)).toBeNull())
})

describe('nearestPreset', () => {
  it('keeps the area when the shape changes', () => expect(nearestPreset('3:2', 1024, 1024)).toEqual([1152, 768]))
})

describe('isValidSide', () => {
  it.each([256, 272, 2048])('takes %d', (side) => expect(isValidSide(side)).toBe(true))
  it.each([0, 255, 264, 2064, 512.5, NaN])('refuses %d', (side) => expect(isValidSide(side)).toBe(false))
})

describe('drawnSize', () => {
  it.each([
    [512, 512, { onCpu: true }, [512, 512]],
    [1024, 1024, { onCpu: true }, [512, 512]],
    [1536, 1536, {}, [1536, 1536]],
    [1024, 1024, { maxSide: 256, multiple: 32, onCpu: true }, [256, 256]],
    [1536, 512, { maxSide: 512, multiple: 32 }, [512, 256]],
    [272, 272, { multiple: 32 }, [288, 288]],
  ])('of %d × %d with %j is %j', (width, height, limits, expected) => {
    expect(drawnSize(width, height, limits)).toEqual(expected)
  })

  it('keeps the shape on the grid of the model', () => {
    const [width, height] = drawnSize(1536, 1024, { multiple: 32, onCpu: true })
    expect([width % 32, height % 32]).toEqual([0, 0])
    expect(width * height).toBeLessThanOrEqual(512 * 512)
    expect(width / height).toBeCloseTo(1.5, 1)
  })
})
