import { expect, it } from 'vitest'

import { isLoraFile, kindOfFiles, mayBePicture } from './files.js'

it.each([
  ['ink.safetensors', true],
  ['INK.SFT', true],
  ['ink.ckpt', false],
  ['safetensors.png', false],
])('%s is named as a LoRA: %j', (name, expected) => expect(isLoraFile({ name })).toBe(expected))

it.each([
  [[''], 'unknown'],
  [['application/octet-stream'], 'unknown'],
  [['', 'image/png'], 'pictures'],
  [['text/plain'], 'neither'],
  [['text/plain', ''], 'unknown'],
  [[], 'pictures'],
])('files of the kinds %j are %s', (types, expected) => {
  expect(kindOfFiles({ items: types.map((type) => ({ kind: 'file', type })) })).toBe(expected)
})

it('may be anything where the browser tells no kinds', () => {
  expect(kindOfFiles({ items: [{ kind: 'string', type: 'text/plain' }] })).toBe('pictures')
  expect(kindOfFiles(undefined)).toBe('pictures')
})

it.each([
  ['image/webp', true],
  ['', true],
  ['text/plain', false],
])('a file of the kind %j may be a picture: %j', (type, expected) => expect(mayBePicture({ type })).toBe(expected))
