import { describe, expect, it } from 'vitest'

import { boxAround, cut, paste } from './parts.js'

const SIZE = { width: 3, height: 2 }
const MASK = Uint8Array.of(1, 2, 3, 4, 5, 6)

describe('parts of a mask', () => {
  it('are cut out, white beyond the picture', () => {
    expect([...cut(MASK, SIZE, { left: 1, top: 0, right: 3, bottom: 2 })]).toEqual([2, 3, 5, 6])
    expect([...cut(MASK, SIZE, { left: -1, top: 1, right: 2, bottom: 3 })]).toEqual([255, 4, 5, 255, 255, 255])
    expect([...cut(MASK, SIZE, { left: 5, top: 0, right: 6, bottom: 1 })]).toEqual([255])
  })

  it('are laid where both have pixels', () => {
    const target = new Uint8Array(4)
    paste(MASK, { left: 0, top: 0, right: 3, bottom: 2 }, target, { left: 2, top: 1, right: 4, bottom: 3 })
    expect([...target]).toEqual([6, 0, 0, 0])
  })

  it('are found around what is not black', () => {
    const rect = { left: 10, top: 20, right: 13, bottom: 22 }
    expect(boxAround(Uint8Array.of(0, 0, 0, 0, 7, 0), rect)).toEqual({ left: 11, top: 21, right: 12, bottom: 22 })
    expect(boxAround(MASK, rect)).toEqual(rect)
    expect(boxAround(new Uint8Array(6), rect)).toBe(null)
  })
})
