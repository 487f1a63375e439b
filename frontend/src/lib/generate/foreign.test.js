import { describe, expect, it } from 'vitest'

import { plainParts, unknownLists } from './foreign.js'

describe('plainParts', () => {
  it.each([
    ['a fox', []],
    ['a fox <hypernet:foo:0.8>, <LYCO:bar:1>', ['<hypernet:foo:0.8>', '<LYCO:bar:1>']],
    ['a fox <lora:foo:0.8>', []],
    ['a (red fox:1.2) and (snow: .8)', ['(red fox:1.2)', '(snow: .8)']],
    ['a fox (in the snow), at 12:30 (noon)', []],
    ['(a:1) (b:1) (c:1) (d:1) (a:1)', ['(a:1)', '(b:1)', '(c:1)']],
    ['a < b, (x: y)', []],
  ])('of %j are %j', (prompt, parts) => expect(plainParts(prompt)).toEqual(parts))

  it('takes little time for a long prompt', () => {
    const from = performance.now()
    for (const sign of ['(', '<lyco:', '(a:', '__a']) plainParts(sign.repeat(4000))
    expect(performance.now() - from).toBeLessThan(1000)
  })
})

describe('unknownLists', () => {
  it.each([
    ['a __colour__ fox', []],
    ['a __colour__ __animal__ in __动物__', ['__animal__', '__动物__']],
    ['snake_case and __', []],
    ['__toString__', ['__toString__']],
  ])('of %j are %j', (prompt, names) => expect(unknownLists(prompt, { colour: ['red'] })).toEqual(names))
})
