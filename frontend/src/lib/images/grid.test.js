import { describe, expect, it } from 'vitest'

import { placeAfter } from './grid.js'

/** A row of three, and one of two. */
const TOPS = [10, 10, 10, 200, 200]

describe('the place that a key leads to', () => {
  it.each([
    [0, 'ArrowRight', 1],
    [2, 'ArrowRight', 3],
    [4, 'ArrowRight', undefined],
    [0, 'ArrowLeft', undefined],
    [3, 'ArrowLeft', 2],
    [1, 'ArrowDown', 4],
    [2, 'ArrowDown', 4],
    [3, 'ArrowDown', undefined],
    [4, 'ArrowUp', 1],
    [1, 'ArrowUp', undefined],
    [3, 'Home', 0],
    [0, 'End', 4],
    [0, 'a', undefined],
    [0, 'toString', undefined],
  ])('from %d by %s is %s', (at, key, place) => expect(placeAfter(TOPS, at, key)).toBe(place))
})
