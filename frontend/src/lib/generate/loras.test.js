import { describe, expect, it } from 'vitest'

import { loraRequest, newLora, rangeOf, restoreLoras, strengthText, toggleLora } from './loras.js'

const INK = { name: 'ink', strength: 1, start: 0, end: 1, on: true }

describe('the LoRAs of the form', () => {
  it('begin with what their maker advises', () => {
    expect(newLora({ name: 'ink' })).toEqual(INK)
    expect(newLora({ name: 'ink', suggested: { strength: 0.7 } }).strength).toBe(0.7)
  })

  it('are chosen once, and taken off by choosing them again', () => {
    const both = toggleLora([INK], { name: 'oil' })
    expect(both.map(({ name }) => name)).toEqual(['ink', 'oil'])
    expect(toggleLora(both, { name: 'ink' }).map(({ name }) => name)).toEqual(['oil'])
  })

  it('are never more than the server takes', () => {
    const full = Array.from({ length: 16 }, (_, at) => ({ ...INK, name: `n${at}` }))
    expect(toggleLora(full, { name: 'one more' })).toBe(full)
    expect(restoreLoras([...full, INK])).toHaveLength(16)
  })

  it('are sent where they are on, and not at all where none is', () => {
    const sha256 = 'a'.repeat(64)
    const off = { ...INK, name: 'oil', on: false }
    expect(loraRequest([{ ...INK, sha256 }, off])).toEqual({ loras: [{ name: 'ink', strength: 1, start: 0, end: 1, sha256 }] })
    expect(loraRequest([off])).toEqual({})
  })
})

describe('restoreLoras', () => {
  it.each([undefined, null, 'x', [null], [{ name: '' }], [{ name: 7 }]])('makes nothing of %j', (stored) => {
    expect(restoreLoras(stored)).toEqual([])
  })

  it('reads a record with its digests', () => {
    const record = { name: 'ink', strength: 0.8, start: 0.2, end: 0.9, sha256: 'a'.repeat(64), short_hash: 'ab12cd34ef56' }
    expect(restoreLoras([record])).toEqual([{ ...record, on: true }])
  })

  it('replaces what cannot be sent, and what is there twice', () => {
    const broken = { name: 'ink', strength: 11, start: 0.5, end: 0.2, sha256: 'no', on: false }
    expect(restoreLoras([broken, INK])).toEqual([{ ...INK, start: 0.5, on: false }])
  })
})

describe('strengths', () => {
  it.each([
    [0.8, [0, 1.5]],
    [1.6, [-2, 2]],
    [-0.5, [-2, 2]],
    [5, [-10, 10]],
  ])('%d is on the slider %j', (strength, range) => expect(rangeOf(strength)).toEqual(range))

  it('are said shortly', () => expect([0.8, 1, 0.1 + 0.2, -1.25].map(strengthText)).toEqual(['0.8', '1', '0.3', '-1.25']))
})
