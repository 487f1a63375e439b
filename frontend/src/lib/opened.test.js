import { describe, expect, it } from 'vitest'

import { parseOpened, pictureAddress, writeOpened } from './opened.js'

const [A, B, C, D, E] = ['a', 'b', 'c', 'd', 'e'].map((digit) => digit.repeat(32))

describe('what the address says is open', () => {
  it.each([
    ['', {}],
    [`?picture=${A}`, { picture: A }],
    [`?page=2&compare=${A},${B}`, { compare: [A, B] }],
    ['?dialog=models', { dialog: 'models' }],
    [`?dialog=models&picture=${A}`, { picture: A }],
    [`?picture=nonsense&dialog=help`, { dialog: 'help' }],
    [`?picture=${A}0`, {}],
    [`?picture=${A.toUpperCase()}`, {}],
    [`?compare=${A}`, {}],
    [`?compare=${A},${B},${A}`, {}],
    [`?compare=${A},${B},${C},${D}`, { compare: [A, B, C, D] }],
    [`?compare=${A},${B},${C},${D},${E}`, {}],
    ['?dialog=__proto__&picture=%zz', {}],
  ])('of %s is %o', (search, opened) => expect(parseOpened(search)).toEqual(opened))

  it.each([{}, { picture: A }, { compare: [A, B] }, { dialog: 'help' }])('is read as it was written: %o', (opened) => {
    expect(parseOpened(writeOpened('?page=2', opened))).toEqual(opened)
  })

  it('has an address', () => {
    expect(pictureAddress({ id: A, deleted_at: null })).toBe(`?picture=${A}`)
    expect(pictureAddress({ id: A, deleted_at: '2026-03-02T12:00:00Z' })).toBe(`?trash=1&picture=${A}`)
  })

  it('is one thing at a time, and leaves the rest of the address alone', () => {
    expect(writeOpened(`?q=a+fox&picture=${A}`, { dialog: 'help' })).toBe('q=a+fox&dialog=help')
    expect(writeOpened(`?picture=${A}`, {})).toBe('')
  })
})
