import { describe, expect, it } from 'vitest'

import { holdPictures } from './hold.js'

const list = (letters) => [...letters].map((id) => ({ id }))
const letters = (images) => images.map(({ id }) => id).join('')

describe('holdPictures', () => {
  it.each([
    ['abcd', 'abcd', 'abcd', 0],
    ['abcd', 'xabc', 'abcd', 1], // d is on the next page by now
    ['abcd', 'wxyz', 'abcd', 4],
    ['abcd', 'acde', 'acde', 0], // b was deleted, e moved up
    ['abcd', 'xacd', 'acd', 1],
    ['abcd', 'xyac', 'acd', 2], // b was deleted meanwhile
    ['acd', 'xabc', 'abcd', 1], // b was restored
    ['abcd', 'abc', 'abc', 0],
    ['', 'ab', 'ab', 0],
  ])('of %s, when there is %s, shows %s and says that %i wait', (held, newest, shown, waiting) => {
    const answer = holdPictures(list(held), list(newest))
    expect([letters(answer.images), answer.waiting]).toEqual([shown, waiting])
  })

  it('shows what was deleted and is restored', () => {
    expect(letters(holdPictures(list('bc'), list('xabc'), ['a']).images)).toBe('abc')
  })
})
