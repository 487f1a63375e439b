import { describe, expect, it } from 'vitest'

import { isReferable, moveReference, NO_REFERENCES, referencesOf, restoreReferences, sizeLike } from './references.js'

const ids = Array.from('abcdef012', (digit) => digit.repeat(64))

describe('references', () => {
  it.each([undefined, null, 'x', [], [null, 7, 'x']])('are none in %j', (stored) => {
    expect(restoreReferences(stored)).toBe(NO_REFERENCES)
  })

  it('are eight at most, and one may come twice', () => {
    expect(restoreReferences(ids)).toEqual(ids.slice(0, 8))
    expect(restoreReferences([ids[0], 'x', ids[0]])).toEqual([ids[0], ids[0]])
  })

  it('are read out of records and requests', () => {
    expect(referencesOf({ references: [ids[1], { input_id: ids[0] }] })).toEqual([ids[1], ids[0]])
    expect(referencesOf({ references: null })).toBe(NO_REFERENCES)
    expect(referencesOf(undefined)).toBe(NO_REFERENCES)
  })

  it('change their places', () => {
    expect(moveReference(['a', 'b', 'c'], 0, 1)).toEqual(['b', 'a', 'c'])
    expect(moveReference(['a', 'b', 'c'], 2, 0)).toEqual(['c', 'a', 'b'])
  })

  it.each([
    [64, 64, true],
    [63, 400, false],
    [64, 512, true],
    [513, 64, false],
    [4000, 3000, true],
  ])('of %i × %i can be read: %s', (width, height, expected) => {
    expect(isReferable({ width, height })).toBe(expected)
  })

  it.each([
    [1200, 800, 1200, 800],
    [333, 517, 336, 512],
    [4000, 3000, 1184, 880],
    [100, 100, 256, 256],
  ])('give a size: %i × %i is %i × %i', (width, height, w, h) => {
    expect(sizeLike({ width, height })).toEqual({ width: w, height: h, custom_size: false })
  })
})
