import { describe, expect, it } from 'vitest'

import { hasTrigger, withoutTrigger, withTrigger } from './triggers.js'

describe('trigger words', () => {
  it.each([
    ['a fox, inkstyle', 'inkstyle', true],
    ['a fox, Ink  Style', 'ink style', true],
    ['a fox in inkstyles', 'inkstyle', false],
    ['一只水墨狐狸', '水墨', true],
    ['', 'x', false],
    ['a (ink) fox', 'ink', true],
  ])('of %j: %j is there: %j', (prompt, trigger, expected) => expect(hasTrigger(prompt, trigger)).toBe(expected))

  it.each([
    ['', 'ink', 'ink'],
    ['a fox ', 'ink', 'a fox, ink'],
    ['a fox, ', 'ink', 'a fox, ink'],
  ])('%j with %j is %j', (prompt, trigger, expected) => expect(withTrigger(prompt, trigger)).toBe(expected))

  it.each([
    ['a fox, ink', 'ink', 'a fox'],
    ['ink, a fox', 'ink', 'a fox'],
    ['a fox, ink, at night', 'INK', 'a fox, at night'],
    ['an ink fox', 'ink', 'an fox'],
    ['a pink fox', 'ink', 'a pink fox'],
    ['ink', 'ink', ''],
  ])('%j without %j is %j', (prompt, trigger, expected) => expect(withoutTrigger(prompt, trigger)).toBe(expected))

  it('come and go', () => expect(withoutTrigger(withTrigger('a fox', 'ink'), 'ink')).toBe('a fox'))
})
