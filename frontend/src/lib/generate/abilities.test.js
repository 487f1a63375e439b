import { expect, it } from 'vitest'

import { can, withinReach } from './abilities.js'

const FORM = { prompt: 'a fox', edit: { image: 'a' }, control: [{ image: 'b' }], references: ['c'] }

it.each([
  ['one of the Omni variant', { can: ['text', 'references', 'loras'] }, { edit: null, control: [], references: ['c'] }],
  ['one that diffusers runs', { can: ['text', 'image', 'mask'] }, { ...FORM, control: [], references: [] }],
  ['the usual ones', { can: ['text', 'image', 'control'] }, { ...FORM, references: [] }],
  ['one of which nobody has said anything', {}, { ...FORM, references: [] }],
  ['none that is known', undefined, { ...FORM, references: [] }],
])('leaves what a model draws from: %s', (_what, model, expected) => {
  expect(withinReach(FORM, model)).toEqual({ ...FORM, ...expected })
})

it('knows what a model can', () => {
  expect(can({ can: ['references'] }, 'references')).toBe(true)
  expect(can({ can: ['references'] }, 'image')).toBe(false)
  expect(can(undefined, 'image')).toBe(true)
})
