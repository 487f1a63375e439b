import { describe, expect, it } from 'vitest'

import { NOTHING, select, selectAll } from './selection.js'

const IMAGES = [...'abcde'].map((id) => ({ id }))
const chosen = (selection) => [...selection.chosen.keys()].sort().join('')
const click = (selection, id, options) => select(selection, IMAGES, { id }, options)

describe('select', () => {
  it('takes and leaves one', () => {
    const once = click(NOTHING, 'b')
    expect(chosen(once)).toBe('b')
    expect(chosen(click(once, 'b'))).toBe('')
  })

  it.each([
    ['b', 'd', 'bcd'],
    ['d', 'b', 'bcd'],
    ['c', 'c', 'c'],
  ])('takes the range from %s to %s', (from, to, expected) => {
    expect(chosen(click(click(NOTHING, from), to, { range: true }))).toBe(expected)
  })

  it('starts further ranges where the first one did', () => {
    const first = click(click(NOTHING, 'b'), 'c', { range: true })
    expect(chosen(click(first, 'a', { range: true }))).toBe('abc')
  })

  it('takes one where there is no start, or where it is out of sight', () => {
    expect(chosen(click(NOTHING, 'c', { range: true }))).toBe('c')
    expect(chosen(click({ chosen: new Map([['z', { id: 'z' }]]), anchor: 'z' }, 'c', { range: true }))).toBe('cz')
  })

  it('takes all in sight beside those of other pages', () => {
    const elsewhere = { chosen: new Map([['z', { id: 'z' }]]), anchor: 'z' }
    expect(chosen(selectAll(elsewhere, IMAGES))).toBe('abcdez')
  })
})
