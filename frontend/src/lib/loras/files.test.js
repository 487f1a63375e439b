import { expect, it } from 'vitest'

import { carriesNoPicture, isLoraFile } from './files.js'

it.each([
  ['ink.safetensors', true],
  ['INK.SFT', true],
  ['ink.ckpt', false],
  ['safetensors.png', false],
])('%s is named as a LoRA: %j', (name, expected) => expect(isLoraFile({ name })).toBe(expected))

it.each([
  [[''], true],
  [['application/octet-stream'], true],
  [['', 'image/png'], false],
  [['text/plain'], false],
  [[], false],
])('files of the kinds %j are no pictures: %j', (types, expected) => {
  expect(carriesNoPicture({ items: types.map((type) => ({ kind: 'file', type })) })).toBe(expected)
})

it('makes nothing of a drag without files', () => {
  expect(carriesNoPicture({ items: [{ kind: 'string', type: 'text/plain' }] })).toBe(false)
  expect(carriesNoPicture(undefined)).toBe(false)
})
