import { describe, expect, it } from 'vitest'

import { dragged, featherAfter, handleAt, MOST_SIDE, mostOutpaint, pressed, SIDES, snapOutpaint, usualFeather } from './outpaint.js'

const SIZE = { width: 1000, height: 600 }
const NONE = { top: 0, right: 0, bottom: 0, left: 0 }
const RULES = { step: 16, mostSide: 2048 }

describe('outpainting', () => {
  it('grows by whole steps, as far as the largest picture', () => {
    expect(mostOutpaint('left', NONE, SIZE, RULES)).toBe(1040)
    expect(mostOutpaint('left', { ...NONE, right: 1000 }, SIZE, RULES)).toBe(48)
    expect(mostOutpaint('top', { ...NONE, right: 1000 }, SIZE, RULES)).toBe(1440)
    expect(mostOutpaint('top', NONE, { width: 9, height: 4000 }, RULES)).toBe(0)
  })

  it('snaps to its steps', () => {
    expect([-9, 0, 7, 8, 100, 5000].map((value) => snapOutpaint(value, 1040, 16))).toEqual([0, 0, 0, 16, 96, 1040])
  })

  it('grows when a handle is pulled outwards, on every side', () => {
    const out = { top: { x: 0, y: -30 }, right: { x: 30, y: 0 }, bottom: { x: 0, y: 30 }, left: { x: -30, y: 0 } }
    expect(SIDES.map((side) => dragged(side, 10, out[side]))).toEqual([40, 40, 40, 40])
  })

  it('lets a large picture grow as far as the API does: 2048 a side, 8192 in all, 50 megapixels', () => {
    const rules = { step: 16, mostSide: MOST_SIDE }
    expect(mostOutpaint('left', NONE, { width: 3000, height: 2000 }, rules)).toBe(2048)
    expect(mostOutpaint('left', { ...NONE, right: 2048 }, { width: 4500, height: 2000 }, rules)).toBe(1632)
    expect(mostOutpaint('top', NONE, { width: 8000, height: 6000 }, rules)).toBe(240)
    expect(mostOutpaint('top', { ...NONE, left: 192 }, { width: 8000, height: 6000 }, rules)).toBe(96)
  })

  it('is moved by keys: a step, a leap, a page, to both ends', () => {
    const range = { value: 160, most: 1040, step: 16 }
    const to = (key, shiftKey = false) => pressed('left', { key, shiftKey }, range)
    expect([to('ArrowLeft'), to('ArrowRight'), to('ArrowLeft', true), to('ArrowRight', true)]).toEqual([176, 144, 224, 96])
    expect([to('PageUp'), to('PageDown'), to('Home'), to('End')]).toEqual([288, 32, 0, 1040])
    expect([to('ArrowUp'), to('x')]).toEqual([null, null])
  })

  it('fades farther into the picture where that grows, unless another edge was chosen', () => {
    const grown = { ...NONE, top: 64 }
    expect([usualFeather(NONE, SIZE), usualFeather(grown, SIZE), usualFeather(grown, { width: 400, height: 64 })]).toEqual([16, 32, 16])
    expect([featherAfter(16, NONE, grown, SIZE), featherAfter(32, grown, NONE, SIZE)]).toEqual([32, 16])
    expect([featherAfter(20, NONE, grown, SIZE), featherAfter(0, NONE, grown, SIZE), featherAfter(16, grown, { ...grown, left: 16 }, SIZE)]).toEqual([20, 0, 16])
  })

  it('has its handles in the middle of the sides', () => {
    const outpaint = { top: 100, right: 0, bottom: 0, left: 200 }
    expect(handleAt('left', SIZE, outpaint)).toEqual({ x: -200, y: 250 })
    expect(handleAt('top', SIZE, outpaint)).toEqual({ x: 400, y: -100 })
    expect(handleAt('right', SIZE, outpaint)).toEqual({ x: 1000, y: 250 })
  })
})
