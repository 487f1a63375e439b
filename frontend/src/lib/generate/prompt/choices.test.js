import { describe, expect, it } from 'vitest'

import { expandPrompt } from '../expand.js'
import { toChoices } from './choices.js'

describe('toChoices', () => {
  it.each([
    [['a red fox', 'a blue fox']],
    [['a red fox']],
    [['{a|b}', 'c\\', 'x | y']],
    [['{"subject": "fox|owl"}', 'a fox']],
    [['two  spaces', 'a\nline']],
    [Array.from({ length: 63 }, (_, number) => `thing ${number}`)],
  ])('stands for %j again', (prompts) => expect(expandPrompt(toChoices(prompts))).toEqual(prompts))

  it('is none where a name in a prompt would be a list', () => {
    expect(toChoices(['a __colour__ fox', 'b'], { colour: ['red', 'blue'] })).toBeNull()
  })

  it('is none of two that are the same', () => expect(toChoices(['a', 'a'])).toBeNull())
})
