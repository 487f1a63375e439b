import { describe, expect, it } from 'vitest'

import { advice, findLoras, loraOf, remarksOn } from './catalogue.js'

const lora = (name, more) => ({ name, title: null, tags: [], trigger_words: [], matched: 10, of: 10, ...more })
const INK = lora('ink-2', { tags: ['drawing'], trigger_words: ['inkstyle'], modified_at: '2026-02-01T00:00:00Z' })
const OIL = lora('ink-10', { title: 'Oil paint', modified_at: '2026-03-01T00:00:00Z' })
const BROKEN = lora('a-broken', { problem: 'It is cut off.', modified_at: '2026-04-01T00:00:00Z' })
const names = (loras) => loras.map(({ name }) => name)

describe('findLoras', () => {
  it.each([
    ['', ['ink-2', 'ink-10', 'a-broken']],
    ['INK', ['ink-2', 'ink-10']],
    ['paint oil', ['ink-10']],
    ['drawing', ['ink-2']],
    ['inksty', ['ink-2']],
    ['oil drawing', []],
  ])('of %j are %j', (search, expected) => expect(names(findLoras([BROKEN, OIL, INK], { search }))).toEqual(expected))

  it('puts the newest first, and what cannot be used last', () => {
    expect(names(findLoras([BROKEN, INK, OIL], { sort: 'newest' }))).toEqual(['ink-10', 'ink-2', 'a-broken'])
  })
})

describe('loraOf', () => {
  const sha256 = 'ab'.repeat(32)
  const renamed = lora('new-name', { sha256 })

  it('knows a file by its name, and under another one by its digest', () => {
    expect(loraOf([INK, renamed], { name: 'ink-2', sha256 })).toBe(INK)
    expect(loraOf([INK, renamed], { name: 'gone', sha256 })).toBe(renamed)
    expect(loraOf([INK, renamed], { name: 'gone', short_hash: sha256.slice(0, 12) })).toBe(renamed)
  })

  it('prefers the same file to the same name', () => {
    const other = lora('ink-2', { sha256: 'cd'.repeat(32) })
    expect(loraOf([other, renamed], { name: 'ink-2', sha256 })).toBe(renamed)
    expect(loraOf([other], { name: 'ink-2', sha256 })).toBe(other)
  })

  it('makes up nothing', () => {
    expect(loraOf([INK, renamed], { name: 'gone' })).toBeUndefined()
    expect(loraOf([INK], { name: 'gone', sha256: undefined })).toBeUndefined()
  })
})

describe('remarksOn', () => {
  const TURBO = { id: 'z-image-turbo' }
  const USE = { name: 'ink-2' }
  const kindsOf = (remarks) => remarks.map(({ kind }) => kind)
  it.each([
    ['missing', undefined, ['missing']],
    ['fine', INK, []],
    ['unusable', { ...BROKEN, role: 'de-turbo' }, ['problem']],
    ['partly matched', { ...INK, matched: 4 }, ['partly']],
    ['warned of', { ...INK, warning: 'Its part for the text encoder is left out.' }, ['warning']],
    ['trained on another model', { ...INK, base: 'z-image' }, ['base']],
    ['trained on this one', { ...INK, base: 'z-image-turbo' }, []],
    ['of a role', { ...INK, role: 'distill-8', base: 'z-image' }, ['role']],
    ['trained on something else', { ...INK, base: 'sdxl' }, []],
  ])('one that is %s', (_, one, kinds) => expect(kindsOf(remarksOn(one, USE, TURBO, { inEnglish: true }))).toEqual(kinds))

  it("uses the server's sentence where it can be read, and its own where they say the same", () => {
    const partly = { ...INK, matched: 4, role: 'distill-8', warning: 'Only 4 of 10 layers fit. It makes 8 steps enough.' }
    expect(remarksOn(partly, USE, TURBO, { inEnglish: true })).toEqual([{ kind: 'warning', text: partly.warning }])
    expect(kindsOf(remarksOn(partly, USE, TURBO, { inEnglish: false }))).toEqual(['partly', 'role'])
    const encoder = { ...INK, warning: 'Its part for the text encoder is left out.' }
    expect(remarksOn(encoder, USE, TURBO, { inEnglish: false })).toEqual([{ kind: 'warning', text: encoder.warning }])
  })

  it('sees another file of the same name', () => {
    const other = { ...INK, sha256: 'cd'.repeat(32) }
    const use = { ...USE, sha256: 'ab'.repeat(32) }
    expect(kindsOf(remarksOn(other, use, TURBO, { inEnglish: true }))).toEqual(['changed'])
    expect(kindsOf(remarksOn({ ...other, sha256: null }, use, TURBO, { inEnglish: true }))).toEqual([])
  })

  it('takes a model of single files for the member that it is run as', () => {
    const tune = { id: 'tune', member: 'z-image' }
    expect(kindsOf(remarksOn({ ...INK, base: 'z-image' }, USE, tune, { inEnglish: true }))).toEqual([])
    expect(kindsOf(remarksOn({ ...INK, base: 'z-image-turbo' }, USE, tune, { inEnglish: true }))).toEqual(['base'])
    expect(kindsOf(remarksOn({ ...INK, base: 'z-image-turbo' }, USE, { id: 'tune' }, { inEnglish: true }))).toEqual([])
  })
})

describe('advice', () => {
  const eight = { suggested: { num_inference_steps: 9, guidance_scale: 0, strength: null } }
  it('is what the form has not yet', () => {
    const base = { guidance: true, guidance_scale: 4 }
    const turbo = { guidance: false, guidance_scale: 0 }
    const many = { num_inference_steps: 30, guidance_scale: null }
    expect(advice(eight, many, base)).toEqual({ num_inference_steps: 9, guidance_scale: 0 })
    expect(advice(eight, many, turbo)).toEqual({ num_inference_steps: 9 })
    expect(advice(eight, { num_inference_steps: 9, guidance_scale: 0 }, base)).toEqual({})
    expect(advice(INK, many, base)).toEqual({})
    expect(advice(undefined, many, base)).toEqual({})
  })
})
