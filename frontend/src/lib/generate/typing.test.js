import { describe, expect, it } from 'vitest'

import { differenceOf, typingStep } from './typing.js'

/** The steps that typing these texts one after the other makes, as their ends. */
function stepsOf(texts, { everyMs = 100, compositions = [] } = {}) {
  const steps = []
  texts.slice(1).forEach((after, index) => {
    const step = typingStep(steps.at(-1), texts[index], after, { at: index * everyMs, composition: compositions[index] })
    if (step.before === steps.at(-1)?.before) steps.pop()
    steps.push(step)
  })
  return steps.map((step) => step.after)
}

const typed = (text, start = '') => [...text].map((_, index) => start + text.slice(0, index + 1))

describe('typingStep', () => {
  it('takes back a word at a time', () => {
    expect(stepsOf(['', ...typed('a red fox')])).toEqual(['a ', 'a red ', 'a red fox'])
  })

  it('ends with a pause', () => {
    expect(stepsOf(['', ...typed('fox')], { everyMs: 2000 })).toEqual(['f', 'fo', 'fox'])
  })

  it('keeps deleting apart from writing', () => {
    expect(stepsOf(['', ...typed('fox'), 'fo', 'f', ...typed('rog', 'f')])).toEqual(['fox', 'f', 'frog'])
  })

  it('keeps what is pasted or cleared apart', () => {
    expect(stepsOf(['', 'f', 'f a long text', 'f a long texts', ''])).toEqual(['f', 'f a long text', 'f a long texts', ''])
  })

  it('keeps places apart', () => {
    expect(stepsOf(['red fox', 'red foxe', 'red foxes', 'a red foxes'.slice(1), 'a red foxes'])).toHaveLength(3)
  })

  it('deletes on in either direction', () => {
    expect(stepsOf(['abcdef', 'abcde', 'abcd'])).toEqual(['abcd'])
    expect(stepsOf(['abcdef', 'abdef', 'abef'])).toEqual(['abef'])
  })

  it('takes a composition of an input method for one', () => {
    const texts = ['a ', 'a h', 'a hu', 'a hul', 'a 狐狸', 'a 狐狸n', 'a 狐狸你', 'a 狐狸你!']
    expect(stepsOf(texts, { compositions: [1, 1, 1, 1, 2, 2, 0] })).toEqual(['a 狐狸', 'a 狐狸你', 'a 狐狸你!'])
  })

  it('counts a character of two units as one stroke', () => {
    expect(stepsOf(['', '🦊', '🦊🦊'])).toEqual(['🦊🦊'])
  })
})

describe('differenceOf', () => {
  it.each([
    ['fox', 'fox', { from: 3, beforeEnd: 3, afterEnd: 3 }],
    ['a fox', 'a red fox', { from: 2, beforeEnd: 2, afterEnd: 6 }],
    ['aa', 'aaa', { from: 2, beforeEnd: 2, afterEnd: 3 }],
    ['owl', '', { from: 0, beforeEnd: 3, afterEnd: 0 }],
  ])('of %o and %o', (before, after, expected) => {
    expect(differenceOf(before, after)).toEqual(expected)
  })
})
