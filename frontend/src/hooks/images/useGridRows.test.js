import { describe, expect, it } from 'vitest'

import { columnsOf } from './useGridRows.js'

describe('columnsOf', () => {
  it.each([
    [320, 2],
    [479, 2],
    [500, 2],
    [700, 3],
    [1400, 7],
  ])('in %d px are %d', (width, columns) => expect(columnsOf(width).columns).toBe(columns))

  it('fills the width to the pixel', () => {
    const { columns, card } = columnsOf(1000)
    expect(columns * card + (columns - 1) * 14).toBeCloseTo(1000)
  })
})
