import { describe, expect, it } from 'vitest'

import { makeImage } from '../../test/fakeServer.js'
import { expandPrompt } from '../generate/expand.js'
import { fromParameters, fromSource } from '../generate/settings.js'
import { variationsOf } from './pictures.js'

const PROMPTS = ['a \\{fox\\} {big|small}', '{"style": "red|blue"}', '  {}  ']

describe("a picture's prompt", () => {
  it.each(PROMPTS)('stands for itself in the form: %j', (prompt) => {
    expect(expandPrompt(fromSource(makeImage(1, { prompt })).prompt)).toEqual([prompt])
    expect(expandPrompt(fromParameters({ prompt }, []).prompt)).toEqual([prompt])
  })

  it.each(PROMPTS)('is sent as it is for a variation: %j', (prompt) => {
    expect(variationsOf(makeImage(1, { prompt })).prompt).toBe(prompt.trim())
  })
})

describe("a picture's LoRAs", () => {
  it('are those of its variations', () => {
    const loras = [{ name: 'ink', strength: 0.8, start: 0, end: 1, sha256: 'a'.repeat(64) }]
    expect(variationsOf(makeImage(1, { loras })).loras).toEqual(loras)
    expect(variationsOf(makeImage(1))).not.toHaveProperty('loras')
  })
})
