import { describe, expect, it } from 'vitest'

import { formatBytes, formatDateTime, formatDuration, formatGb, formatShortDate, shorten } from './format.js'

describe('formatDuration', () => {
  it.each([
    [840, '0.84 s'],
    [12_340, '12.3 s'],
    [125_000, '2 min 5 s'],
  ])('%d ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text))
})

describe('formatGb', () => {
  it('drops the decimal of large numbers', () => expect([formatGb(8), formatGb(250.4)]).toEqual(['8.0', '250']))
})

describe('formatBytes', () => {
  it.each([
    [200, '1 kB'],
    [150_000, '146 kB'],
    [3_250_586, '3.1 MB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))
})

describe('dates', () => {
  it('follow the language', () => expect(formatDateTime('2026-03-01T12:00:00Z', 'zh')).toContain('2026年3月1日'))
  it('are empty when unreadable', () => {
    expect([formatDateTime('soon', 'en'), formatShortDate('soon', 'en')]).toEqual(['', ''])
  })
  it('have a short form', () => expect(formatShortDate('2026-03-01T12:00:00Z', 'en')).toMatch(/^Mar 1, \d\d:00$/))
})

describe('shorten', () => {
  it.each([
    ['a fox', 'a fox'],
    ['🦊'.repeat(40), '🦊'.repeat(40)],
    ['🦊'.repeat(41), `${'🦊'.repeat(39)}…`],
  ])('%s is %s', (text, short) => expect(shorten(text)).toBe(short))
})
