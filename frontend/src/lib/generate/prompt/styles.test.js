import { describe, expect, it } from 'vitest'

import { hasStyle, STYLE_NAMES, withStyle } from './styles.js'

describe('withStyle', () => {
  it.each(STYLE_NAMES)('%s keeps what is written, and is put off again', (name) => {
    for (const prompt of ['a fox', '一只狐狸', 'a $& fox']) {
      const styled = withStyle(prompt, name)
      expect(styled.startsWith(prompt) && styled !== prompt).toBe(true)
      expect(hasStyle(styled, name)).toBe(true)
      expect(withStyle(styled, name)).toBe(prompt)
    }
  })

  it('takes the place of another one', () => expect(withStyle(withStyle('a fox', 'photo'), 'clay')).toBe(withStyle('a fox', 'clay')))

  it('speaks the language of what is written', () => {
    expect(withStyle('一只狐狸', 'ink')).toMatch(/水墨/)
    expect(withStyle('a fox', 'ink')).not.toMatch(/\p{Script=Han}/u)
  })
})
