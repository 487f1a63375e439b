import { describe, expect, it } from 'vitest'

import { editOf, editRequest, newEdit, NO_GROWTH, restoreEdit } from './edit.js'

const IMAGE = 'a'.repeat(64)
const MASK = 'b'.repeat(64)

describe('editRequest', () => {
  it.each([
    ['text to image', null, {}],
    ['image to image', {}, { init_image: { input_id: IMAGE }, strength: 0.6 }],
    ['inpaint', { mask: MASK }, { init_image: { input_id: IMAGE }, strength: 0.75, mask: { input_id: MASK }, mask_mode: 'whole', feather: 16 }],
    [
      'only masked',
      { mask: MASK, mask_mode: 'only_masked', feather: 0 },
      { init_image: { input_id: IMAGE }, strength: 0.75, mask: { input_id: MASK }, mask_mode: 'only_masked', feather: 0 },
    ],
    [
      'outpaint, which is of the whole picture and not enlarged',
      { mask: MASK, mask_mode: 'only_masked', growth: { ...NO_GROWTH, left: 64 }, upscale: 2 },
      { init_image: { input_id: IMAGE }, strength: 0.5, mask: { input_id: MASK }, mask_mode: 'whole', feather: 16, outpaint: { ...NO_GROWTH, left: 64 } },
    ],
    ['upscale', { upscale: 2 }, { init_image: { input_id: IMAGE }, strength: 0.3, upscale: { factor: 2 } }],
  ])('says what the server wants of %s', (_what, change, body) => {
    expect(editRequest(change && { ...newEdit(IMAGE), ...change })).toEqual(body)
  })
})

describe('editOf', () => {
  it('knows again what was asked for', () => {
    const edit = { ...newEdit(IMAGE), strength: 0.3, mask: MASK, growth: { ...NO_GROWTH, top: 32 }, feather: 4 }
    expect(editOf({ prompt: 'a fox', ...editRequest(edit) })).toEqual(edit)
  })

  it('reads a record, which has ids and sizes alone', () => {
    const record = { init_image: IMAGE, mask: MASK, mask_mode: 'whole', strength: 0.4, feather: 0, width: 512, drawn_width: 256 }
    expect(editOf(record)).toEqual({ ...newEdit(IMAGE), mask: MASK, strength: 0.4, feather: 0 })
    expect(editOf({ ...record, upscale: { width: 512, height: 512 } }).upscale).toBe(2)
  })

  it('is null where a picture was drawn from text, or from a picture of the history by its own id', () => {
    expect(editOf({ prompt: 'a fox' })).toBeNull()
    expect(editOf({ init_image: { image_id: 'c'.repeat(32) } })).toBeNull()
  })
})

describe('restoreEdit', () => {
  it.each([undefined, null, 7, {}, { image: 'x' }, { image: 7 }])('is null for %s', (stored) => {
    expect(restoreEdit(stored)).toBeNull()
  })

  it('replaces what cannot be sent by what can', () => {
    const broken = { image: IMAGE, mask: 'x', mask_mode: 'odd', strength: 7, feather: -1, growth: { left: 1e9, top: 8.4 }, upscale: 99 }
    expect(restoreEdit(broken)).toEqual({ ...newEdit(IMAGE), growth: { ...NO_GROWTH, top: 8 } })
  })

  it('keeps what is right', () => {
    const edit = { ...newEdit(IMAGE), mask: MASK, mask_mode: 'only_masked', strength: 1, upscale: 1.5 }
    expect(restoreEdit(JSON.parse(JSON.stringify(edit)))).toEqual(edit)
  })
})
