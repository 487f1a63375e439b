import { describe, expect, it } from 'vitest'

import { changeSettings, DEFAULT_SETTINGS, fittedSize, mostSize, positionOf, restoreSettings, sizeAt, stepHardness, stepSize, toolIn } from './settings.js'

describe('settings of the canvas', () => {
  it('survive being stored, and whatever else is stored', () => {
    const own = { ...DEFAULT_SETTINGS, mode: 'sketch', tool: 'picker', size: 7, maskColour: '#00ff00' }
    expect(restoreSettings(JSON.parse(JSON.stringify(own)))).toEqual(own)
    expect(restoreSettings(null)).toEqual(DEFAULT_SETTINGS)
    expect(restoreSettings({ mode: 'x', tool: 'y', size: 'z', hardness: 9, maskColour: 'red', maskOpacity: 0 })).toEqual(DEFAULT_SETTINGS)
  })

  it('take a tool that the mode has', () => {
    expect(restoreSettings({ mode: 'mask', tool: 'picker' }).tool).toBe('brush')
    expect(toolIn('sketch', 'picker')).toBe('picker')
    expect(toolIn('outpaint', 'brush')).toBe('pan')
  })

  it('take the tool up again that was laid down to extend the picture', () => {
    const lasso = changeSettings(DEFAULT_SETTINGS, { tool: 'lasso' })
    const extending = changeSettings(lasso, { mode: 'outpaint' })
    expect(extending.tool).toBe('pan')
    expect(changeSettings(extending, { mode: 'sketch' }).tool).toBe('lasso')
    const picking = changeSettings(changeSettings(DEFAULT_SETTINGS, { mode: 'sketch' }), { tool: 'picker' })
    expect(changeSettings(picking, { mode: 'mask' }).tool).toBe('brush')
    expect(changeSettings(picking, { size: 9 })).toEqual({ ...picking, size: 9 })
  })

  it('step a brush up and down within bounds', () => {
    expect([1, 2, 10, 100].map((size) => stepSize(size, 1, 512))).toEqual([2, 3, 12, 120])
    expect([1, 2, 10, 120].map((size) => stepSize(size, -1, 512))).toEqual([1, 1, 8, 100])
    expect(stepSize(500, 1, 512)).toBe(512)
    expect([stepHardness(1, 1), stepHardness(1, -1), stepHardness(0.1, -1)]).toEqual([1, 0.9, 0])
  })

  it('lay sizes on a slider, from one pixel to the most', () => {
    const most = mostSize({ width: 1024, height: 400 })
    expect([most, sizeAt(0, most), sizeAt(100, most), positionOf(1, most), positionOf(most, most)]).toEqual([512, 1, 512, 0, 100])
    for (const position of [30, 50, 80]) expect(Math.abs(positionOf(sizeAt(position, most), most) - position)).toBeLessThanOrEqual(1)
  })
})

describe('a picture of another size', () => {
  it.each([
    [48, { width: 640, height: 480 }, 48],
    [48, { width: 8000, height: 6000 }, 100],
    [900, { width: 640, height: 480 }, 320],
    [4000, { width: 8000, height: 6000 }, 4000],
  ])('begins with a brush of use: %s px on %o is %s', (size, picture, expected) => {
    expect(fittedSize(size, picture)).toBe(expected)
  })
})

it('comes to another layer with a brush, never with the eraser', () => {
  const erasing = changeSettings(DEFAULT_SETTINGS, { tool: 'eraser' })
  expect(changeSettings(erasing, { mode: 'sketch' }).tool).toBe('brush')
  expect(changeSettings(changeSettings(erasing, { mode: 'outpaint' }), { mode: 'mask' }).tool).toBe('brush')
  expect(changeSettings(erasing, { mode: 'sketch', tool: 'eraser' }).tool).toBe('eraser')
})
