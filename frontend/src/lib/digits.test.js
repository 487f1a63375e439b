import { describe, expect, it } from 'vitest'

import { parseNumber, parseSize, plainSeed, toPlainDigits } from './digits.js'

describe('digits of any keyboard', () => {
  it.each([
    ['１２', 12],
    ['12　', 12],
    ['　５１２　', 512],
    ['１．５', 1.5],
    ['１。５', 1.5],
    ['－３', -3],
    ['−3', -3],
    ['１，０２４', 1024],
    ['1,024', 1024],
    ['٥١٢', 512],
    ['۵۱۲', 512],
    ['1e3', 1000],
    ['', NaN],
    ['１２a', NaN],
    ['0x10', NaN],
    ['1,2', NaN],
  ])('make %j the number %d', (text, number) => expect(parseNumber(text)).toBe(number))

  it.each([
    ['1024×768', 1024, 768],
    ['１０２４×７６８', 1024, 768],
    ['1024 x 768', 1024, 768],
    ['1024ｘ768', 1024, 768],
    ['１０２４＊７６８', 1024, 768],
    ['٥١٢×٥١٢', 512, 512],
  ])('make %j a size', (text, width, height) => expect(parseSize(text)).toEqual({ width, height }))

  it.each([['1024'], ['×768'], ['a×b'], ['']])('make no size of %j', (text) => expect(parseSize(text)).toBeNull())

  it('keep every digit of a long seed', () => expect(plainSeed('９００７１９９２５４７４０９９１')).toBe('9007199254740991'))
  it('leave other words alone', () => expect(toPlainDigits('狐狸 fox')).toBe('狐狸 fox'))
})
