import { describe, expect, it } from 'vitest'

import { dragged, handleAt, INWARD_KEYS, mostOutpaint, OUTWARD_KEYS, SIDES, snapOutpaint } from './outpaint.js'

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

  it('has an arrow each way', () => {
    for (const side of SIDES) expect(OUTWARD_KEYS[side]).not.toBe(INWARD_KEYS[side])
  })

  it('has its handles in the middle of the sides', () => {
    const outpaint = { top: 100, right: 0, bottom: 0, left: 200 }
    expect(handleAt('left', SIZE, outpaint)).toEqual({ x: -200, y: 250 })
    expect(handleAt('top', SIZE, outpaint)).toEqual({ x: 400, y: -100 })
    expect(handleAt('right', SIZE, outpaint)).toEqual({ x: 1000, y: 250 })
  })
})
