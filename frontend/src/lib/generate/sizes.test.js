import { describe, expect, it } from 'vitest'

import { drawnSize, isValidSide, nearestPreset, PRESETS, ratioOf, snapSide } from './sizes.js'

/** The sizes of the ComfyUI-ZImageLatent node. */
const LATENT_NODE = `
  1024x1024 1152x896 896x1152 1152x864 864x1152 1248x832 832x1248 1280x720 720x1280 1344x576 576x1344
  1280x1280 1440x1120 1120x1440 1472x1104 1104x1472 1536x1024 1024x1536 1536x864 864x1536 1680x720 720x1680
  1536x1536 1728x1344 1344x1728 1728x1296 1296x1728 1872x1248 1248x1872 2048x1152 1152x2048 2016x864 864x2016`
  .trim()
  .split(/\s+/)

describe('PRESETS', () => {
  const all = Object.values(PRESETS).flat()

  it('holds only sides that the server takes', () => expect(all.flat().every(isValidSide)).toBe(true))

  it('holds the 33 sizes of the latent node', () => {
    const names = all.map((size) => size.join('x'))
    expect(LATENT_NODE).toHaveLength(33)
    expect(LATENT_NODE.filter((name) => !names.includes(name))).toEqual([])
  })

  it.each(Object.entries(PRESETS))('has sizes of the ratio %s', (ratio, sizes) => {
    const [w, h] = ratio.split(':').map(Number)
    for (const [width, height] of sizes) expect(width / height).toBeCloseTo(w / h, 2)
  })

  it('starts at what a processor draws', () => expect(PRESETS['1:1'].at(0)).toEqual([512, 512]))
})

describe('snapSide', () => {
  it.each([
    [500, 496],
    [504, 512],
    [1, 256],
    [9999, 2048],
    [1024, 1024],
  ])('of %d is %d', (typed, snapped) => expect(snapSide(typed)).toBe(snapped))
})

describe('ratioOf', () => {
  it('finds the preset of a size', () => expect(ratioOf(832, 1248)).toBe('2:3'))
  it('knows when there is none', () => expect(ratioOf(1000, 512)).toBeNull())
})

describe('nearestPreset', () => {
  it('keeps the area when the shape changes', () => expect(nearestPreset('3:2', 1024, 1024)).toEqual([1248, 832]))
})

describe('isValidSide', () => {
  it.each([256, 272, 2048])('takes %d', (side) => expect(isValidSide(side)).toBe(true))
  it.each([0, 255, 264, 2064, 512.5, NaN])('refuses %d', (side) => expect(isValidSide(side)).toBe(false))
})

describe('drawnSize', () => {
  const FEW = [[256, 256], [384, 256], [512, 512], [768, 512]]

  it.each([
    [512, 512, { onCpu: true }, [512, 512]],
    [1024, 1024, { onCpu: true }, [512, 512]],
    [1536, 1536, {}, [1536, 1536]],
    [1024, 1024, { sizes: FEW, onCpu: true }, [512, 512]],
    [1536, 1024, { sizes: FEW }, [768, 512]],
    [1536, 1024, { sizes: FEW, onCpu: true }, [384, 256]],
    [1536, 1024, { sizes: [[768, 512]], onCpu: true }, [768, 512]],
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
