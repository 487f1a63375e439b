import { describe, expect, it } from 'vitest'

import { firstWords, unreadPart } from './unread.js'

const over = (read) => ({ tokens: 600, limit: 512, truncated: true, read })

describe('the part of a prompt that the model does not read', () => {
  it('is what follows the part that it reads', () => {
    expect(unreadPart('  a fox in the snow ', over('a fox'))).toBe(' in the snow')
    expect(unreadPart('🦊🦊🦊', over('🦊'))).toBe('🦊🦊')
  })

  it('is nothing when all of it is read, or nobody knows', () => {
    expect(unreadPart('a fox', undefined)).toBe('')
    expect(unreadPart('a fox', { ...over('a fox'), truncated: false })).toBe('')
  })

  it('is not guessed when the prompt was changed before it', () => {
    expect(unreadPart('the fox in the snow', over('a fox'))).toBe('')
  })
})

describe('how a text begins', () => {
  it('is its first words', () => {
    expect(firstWords(' in the snow')).toBe('in the snow')
    expect(firstWords('in the snow of the mountains far away')).toBe('in the snow of the…')
    expect(firstWords('雪'.repeat(40))).toBe(`${'雪'.repeat(24)}…`)
  })
})
