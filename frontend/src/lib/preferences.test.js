import { describe, expect, it } from 'vitest'

import { DEFAULT_PREFERENCES, fromFile, restorePreferences, toFile } from './preferences.js'

describe('restorePreferences', () => {
  it.each([[null], ['text'], [[]], [{ card_px: 9999, format: 'exe', pattern: 'x'.repeat(500), notify: 'yes' }]])(
    'makes defaults of %j',
    (stored) => expect(restorePreferences(stored)).toEqual(DEFAULT_PREFERENCES),
  )

  it('keeps what is right beside what is not', () => {
    expect(restorePreferences({ sound: true, format: 3 })).toEqual({ ...DEFAULT_PREFERENCES, sound: true })
  })
})

describe('a file of settings', () => {
  it('brings back what was written', () => {
    const choices = { language: 'zh', theme: 'dark', mode: 'simple', preferences: { ...DEFAULT_PREFERENCES, format: 'webp' } }
    expect(fromFile(toFile(choices))).toEqual(choices)
  })

  it.each([['{}'], ['not JSON'], ['[]'], ['null'], [''], ['{"kind":"something else"}']])('is none: %s', (text) =>
    expect(fromFile(text)).toBeNull(),
  )
})
