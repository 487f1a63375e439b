import { describe, expect, it } from 'vitest'

import { applyPreset, restoreLibrary, toListName, withList, withoutPreset, withPreset } from './library.js'
import { DEFAULT_SETTINGS } from './settings.js'

const EMPTY = { presets: [], lists: {} }
const preset = (prompt) => ({ name: 'a', settings: { ...DEFAULT_SETTINGS, prompt, width: 512 } })

describe('restoreLibrary', () => {
  it.each([null, 7, [], { presets: 7, lists: [] }])('makes an empty one of %j', (stored) => {
    expect(restoreLibrary(stored)).toEqual(EMPTY)
  })

  it('keeps what fits', () => {
    const stored = { presets: [{ name: 'a', settings: { width: 512 } }, null, { name: 7 }], lists: { animal: ['fox'], x: 1 } }
    expect(restoreLibrary(stored)).toEqual({
      presets: [{ name: 'a', settings: { ...DEFAULT_SETTINGS, width: 512 } }],
      lists: { animal: ['fox'] },
    })
  })
})

describe('a library', () => {
  it('replaces a preset of the same name', () => {
    const once = withPreset(EMPTY, 'a', { width: 512 })
    expect(withPreset(once, 'a', { width: 768 }).presets).toEqual([{ name: 'a', settings: { width: 768 } }])
    expect(withoutPreset(once, 'a')).toEqual(EMPTY)
  })

  it('drops a list that is emptied', () => {
    const once = withList(EMPTY, 'animal', ['fox'])
    expect(once.lists).toEqual({ animal: ['fox'] })
    expect(withList(once, 'animal', [])).toEqual(EMPTY)
  })
})

describe('applyPreset', () => {
  it.each([
    ['an owl', 'a fox', 'an owl'],
    ['', 'a fox', 'a fox'],
    ['{prompt}, watercolour', 'a fox', 'a fox, watercolour'],
    ['{prompt}!', '$&', '$&!'],
  ])('of %j on %j is %j', (saved, written, expected) => {
    expect(applyPreset(preset(saved), written)).toMatchObject({ prompt: expected, width: 512 })
  })
})

describe('a preset with LoRAs', () => {
  it('brings them along', () => {
    const ink = { name: 'ink', strength: 0.8, start: 0, end: 1, on: true }
    const { presets } = restoreLibrary({ presets: [{ name: 'a', settings: { ...DEFAULT_SETTINGS, loras: [ink] } }] })
    expect(applyPreset(presets[0], 'a fox').loras).toEqual([ink])
  })
})

describe('a preset with pictures', () => {
  it('leaves those of the form: the server keeps pictures for a while only', () => {
    const references = ['a'.repeat(64)]
    const { presets } = restoreLibrary({ presets: [{ name: 'a', settings: { ...DEFAULT_SETTINGS, references } }] })
    expect(presets[0].settings.references).toEqual(references)
    for (const name of ['references', 'edit', 'control']) expect(applyPreset(presets[0], 'a fox')).not.toHaveProperty(name)
  })
})

describe('toListName', () => {
  it('makes a word', () => expect(toListName(' red & 蓝色 ')).toBe('red-蓝色'))
})
