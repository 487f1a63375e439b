import { describe, expect, it } from 'vitest'

import { finishTag, openTag, suggest } from './tag.js'

const LORAS = [{ name: 'pink' }, { name: 'ink', title: 'Chinese ink' }, { name: 'oil', title: 'Ink-free oil' }, { name: 'cut', problem: 'x' }, { name: 'in:k' }]

describe('openTag', () => {
  it.each([
    ['a fox <lora:', { from: 6, typed: '' }],
    ['a fox <LORA:in', { from: 6, typed: 'in' }],
    ['a fox <lora', null],
    ['<lora:ink:0.8', null],
    ['<lora:ink>', null],
    ['<lora:a\nb', null],
  ])('at the end of %j is %j', (text, expected) => expect(openTag(text, text.length)).toEqual(expected))

  it('is where the caret is', () => expect(openTag('<lora:ink:1> a fox', 8)).toEqual({ from: 0, typed: 'in' }))

  it('takes no time over a text of brackets', () => expect(openTag('<lora:'.repeat(700), 4200).from).toBe(699 * 6))
})

describe('suggest', () => {
  it.each([
    ['', ['pink', 'ink', 'oil']],
    ['ink', ['ink', 'pink', 'oil']],
    ['OI', ['oil']],
    ['chinese', ['ink']],
    ['x', []],
  ])('for %j is %j', (typed, expected) => expect(suggest(LORAS, typed).map(({ name }) => name)).toEqual(expected))
})

describe('finishTag', () => {
  const ink = { name: 'ink', strength: 0.7 }
  it.each([
    ['<lora:i', 7, '<lora:ink:0.7>', 14],
    ['a <lora:i, a fox', 9, 'a <lora:ink:0.7>, a fox', 16],
    ['<lora:oil:0.4> x', 7, '<lora:ink:0.4> x', 14],
    ['<lora:> x', 6, '<lora:ink:0.7> x', 14],
    ['<lora:i a fox > b', 7, '<lora:ink:0.7> a fox > b', 14],
  ])('makes of %j at %d %j', (text, caret, expected, place) => {
    expect(finishTag(text, caret, ink)).toEqual({ text: expected, caret: place })
  })
})
