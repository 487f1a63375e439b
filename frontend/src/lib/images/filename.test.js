import { describe, expect, it } from 'vitest'

import { makeImage } from '../../test/fakeServer.js'
import { filenameOf } from './filename.js'

const image = makeImage(1, { filename: 'abc.png', prompt: 'a fox: red/blue?\nin  snow', created_at: '2026-03-01T12:00:00' })

describe('filenameOf', () => {
  it.each([
    ['{name}', 'png', 'abc.png'],
    ['{date} {time} {seed}', 'jpg', '2026-03-01 12-00-00 101.jpg'],
    ['{prompt}', 'webp', 'a fox- red-blue- in snow.webp'],
    ['{model}-{width}x{height}-{steps}', 'png', 'zimage-nano-512x512-9.png'],
    ['../../{seed}', 'png', '-..-101.png'],
    ['{what}', 'png', '{what}.png'],
    ['  ..', 'png', 'abc.png'],
    ['CON', 'png', 'abc.png'],
    ['图片 {seed}', 'png', '图片 101.png'],
  ])('of %s in %s is %s', (pattern, format, expected) => expect(filenameOf(image, pattern, format)).toBe(expected))

  it('cuts a long prompt, between characters', () => {
    const name = filenameOf({ ...image, prompt: '🦊'.repeat(500) }, '{prompt}', 'png')
    expect(name).toBe(`${'🦊'.repeat(60)}.png`)
  })
})
