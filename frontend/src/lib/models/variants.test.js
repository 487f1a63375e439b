import { describe, expect, it } from 'vitest'

import { hasRemains, isInView, needsOf, reasonOf, sizeOf, toGib } from './variants.js'

const NEEDS = {
  device: 'cuda',
  dtype: 'bfloat16',
  quantization: 'int8',
  offload: 'none',
  fits: true,
  device_bytes: 12.5 * 2 ** 30,
  device_total_bytes: 16 * 2 ** 30,
  host_bytes: 2 ** 30,
}
const NONE = { state: 'none', done_bytes: 0 }

it('tells sizes as they are sold', () => {
  expect([sizeOf(12.165e9), sizeOf(335e6), toGib(24 * 2 ** 30)]).toEqual(['12.2 GB', '319.5 MB', '24.0'])
})

it('shows the one for this machine and what goes on', () => {
  expect(isInView({ recommended: { reason: 'full' }, download: NONE })).toBe(true)
  expect(isInView({ recommended: null, download: { ...NONE, state: 'failed' } })).toBe(true)
  expect(isInView({ recommended: null, download: NONE })).toBe(false)
})

describe('hasRemains', () => {
  const files = [
    { size_bytes: 6e9, here: false },
    { size_bytes: 335e6, here: true },
  ]
  it.each([
    ['nothing but what is shared', { files, download: { ...NONE, done_bytes: 335.3e6 } }, false],
    ['half a file', { files, download: { ...NONE, done_bytes: 2e9 } }, true],
    ['half a folder', { files: [], download: { ...NONE, done_bytes: 1 } }, true],
    ['what is on its way', { files, download: { state: 'running', done_bytes: 2e9 } }, false],
    ['what is installed', { files, download: { ...NONE, done_bytes: 6.4e9 }, model: 'x' }, false],
  ])('%s', (_, variant, expected) => expect(hasRemains(variant)).toBe(expected))
})

it.each([
  [{}, 'whole', 'card.quantised'],
  [{ offload: 'sequential' }, 'turns', 'card.quantised'],
  [{ device: 'cpu' }, 'processor', 'processor.quantised'],
  [{ fits: false }, 'none', 'card.quantised'],
])('says how it runs with %j', (change, how, why) => {
  const variant = { needs: { ...NEEDS, ...change }, recommended: { reason: 'quantised' } }
  const [key, values] = needsOf(variant)
  expect([key, values.needed, values.total, values.precision]).toEqual([how, '12.5', '16.0', 'int8'])
  expect(reasonOf(variant)).toBe(why)
})

it('names the precision of what is not quantised', () => {
  expect(needsOf({ needs: { ...NEEDS, quantization: null } })[1].precision).toBe('bfloat16')
})
