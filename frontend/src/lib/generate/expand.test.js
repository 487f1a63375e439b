import { describe, expect, it } from 'vitest'

import { expandPrompt, MAX_PROMPTS, parseList } from './expand.js'

describe('expandPrompt', () => {
  it.each([
    ['a red fox', ['a red fox']],
    ['a {red|blue} fox', ['a red fox', 'a blue fox']],
    ['{a|b} {1|2}', ['a 1', 'a 2', 'b 1', 'b 2']],
    ['{a {big|small} cat|dog}', ['a big cat', 'a small cat', 'dog']],
    ['a {very |}tall tree', ['a very tall tree', 'a tall tree']],
    ['一只{红|蓝}色的狐狸', ['一只红色的狐狸', '一只蓝色的狐狸']],
    ['{"json": 1}', ['{"json": 1}']],
    ['an {unclosed|brace', ['an {unclosed|brace']],
    ['{same|same}', ['same']],
    ['a | b', ['a | b']],
    ['', []],
  ])('of %j is %j', (text, expected) => expect(expandPrompt(text)).toEqual(expected))

  it('fills in saved lists and leaves unknown names alone', () => {
    expect(expandPrompt('__animal__ by __who__', { animal: ['fox', 'owl'] })).toEqual(['fox by __who__', 'owl by __who__'])
  })

  it('is not confused by names that every object has', () => {
    expect(expandPrompt('__constructor__')).toEqual(['__constructor__'])
  })

  it('stops early where there are far too many', () => {
    expect(expandPrompt('{1|2|3|4|5|6|7|8}'.repeat(12))).toHaveLength(MAX_PROMPTS + 1)
  })
})

describe('parseList', () => {
  it('takes lines and bars', () => expect(parseList(' fox \n\nowl|bee\n')).toEqual(['fox', 'owl', 'bee']))
})
