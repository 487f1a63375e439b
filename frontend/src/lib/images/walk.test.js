import { describe, expect, it } from 'vitest'

import { isSameStep, pagesAround, waysFrom } from './walk.js'

describe('the pages around a place', () => {
  it.each([
    [null, []],
    [{ index: 0, total: 0 }, []],
    [{ index: 0, total: 45 }, [1]],
    [{ index: 7, total: 45 }, [1]],
    [{ index: 8, total: 45 }, [1, 2]],
    [{ index: 19, total: 45 }, [1, 2]],
    [{ index: 19, total: 20 }, [1]],
    [{ index: 44, total: 45 }, [2, 3]],
    [{ index: 99, total: 45 }, [3]],
  ])('%o are %o', (place, pages) => expect(pagesAround(place, 20)).toEqual(pages))
})

describe('the ways from a step', () => {
  it.each([
    [{ index: 0, total: 1, isIn: true }, { previous: null, next: null }],
    [{ index: 1, total: 3, isIn: true }, { previous: 0, next: 2 }],
    [{ index: 2, total: 3, isIn: true }, { previous: 1, next: null }],
    [{ index: 1, total: 3, isIn: false }, { previous: 0, next: 1 }],
    [{ index: 0, total: 0, isIn: false }, { previous: null, next: null }],
  ])('%o are %o', (step, ways) => expect(waysFrom(step)).toEqual(ways))
})

it('tells steps apart by all they hold', () => {
  const step = { image: {}, index: 1, total: 2, isIn: true }
  expect([isSameStep(step, { ...step }), isSameStep(step, { ...step, image: {} }), isSameStep(step, null)]).toEqual([true, false, false])
})
