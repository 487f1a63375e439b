import { describe, expect, it } from 'vitest'

import { drawPrompt, expandPrompt, MAX_PROMPTS, parseList, toLiteral } from './expand.js'

describe('drawPrompt', () => {
  it.each([
    ['a fox', 0, 'a fox'],
    ['a {red|blue} fox', 0.5, 'a blue fox'],
    ['{a {big|small} cat|dog}', 0, 'a big cat'],
    ['{a {big|small} cat|dog}', 0.99, 'dog'],
    ['a {very |}tall tree', 0.5, 'a tall tree'],
    ['\\{a|b\\}', 0, '{a|b}'],
    ['{"style": "red|blue"}', 0, '{"style": "red|blue"}'],
  ])('of %j by %d is %j', (text, number, expected) => expect(drawPrompt(text, {}, () => number)).toBe(expected))

  it('draws from saved lists', () => expect(drawPrompt('__colour__', { colour: ['red', 'blue'] }, () => 0.7)).toBe('blue'))
})

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

  it.each([
    ['{}'],
    ['{single}'],
    ['{{a}}'],
    ['} a | b {'],
    ['  two  spaces,\ta tab\t\tand\n\n  a line  '],
    ['{"subject": "fox"}'],
    ['{"subject": "a  fox",\n\t"style": "red|blue"}'],
    ['{ "a": {"b": "x|y"}, "c": ["d|e", {"f": "|"}] }'],
    ['{"say \\"a|b\\"": "c|d"}'],
    ['a poster: {"title": "A|B"}'],
    ['[{"a": "b|c"}, {"d": "e|f"}]'],
    ['C:\\foxes\\red, \\ and \\n'],
  ])('changes nothing at all of %j', (text) => expect(expandPrompt(text)).toEqual([text]))

  it.each([
    ['\\{a|b\\}', ['{a|b}']],
    ['\\{ {a|b} \\}', ['{ a }', '{ b }']],
    ['{a\\|b|c}', ['a|b', 'c']],
    ['{\\{|\\}}', ['{', '}']],
    ['\\\\{a|b}', ['\\a', '\\b']],
    ['\\\\\\{a|b\\}', ['\\{a|b}']],
    ['{a\\\\|b}', ['a\\', 'b']],
    ['{"a": "{x|y}"}', ['{"a": "x"}', '{"a": "y"}']],
    ['{"n": {1|2}, "s": "c|d"}', ['{"n": 1, "s": "c|d"}', '{"n": 2, "s": "c|d"}']],
    ['{red|blue}\n\n  two  lines', ['red\n\n  two  lines', 'blue\n\n  two  lines']],
    ['a {big|} cat', ['a big cat', 'a cat']],
    ['{|}', []],
  ])('of %j is %j', (text, expected) => expect(expandPrompt(text)).toEqual(expected))

  it('ends where many choices give few prompts', () => {
    expect(expandPrompt('{a|a}'.repeat(40))).toEqual(['a'.repeat(40)])
    expect(expandPrompt('{a|aa}'.repeat(40)).length).toBeGreaterThan(1)
  })

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

describe('toLiteral', () => {
  it.each([['{a|b}'], ['{a {b|c}|d} \\{e|f\\}'], ['\\\\{a|b}'], ['{"a": "{x|y}"}'], ['{|}'], ['\\{']])(
    'writes %j so that it stands for itself',
    (prompt) => expect(expandPrompt(toLiteral(prompt))).toEqual([prompt]),
  )
  it.each([['a fox'], ['{"a": "b|c"}'], ['{}'], ['a | b'], ['']])('leaves %j alone', (prompt) => expect(toLiteral(prompt)).toBe(prompt))
})

describe('parseList', () => {
  it('takes lines and bars', () => expect(parseList(' fox \n\nowl|bee\n')).toEqual(['fox', 'owl', 'bee']))
  it('keeps bars that are none', () => expect(parseList('a\\|b|c')).toEqual(['a\\|b', 'c']))
})
