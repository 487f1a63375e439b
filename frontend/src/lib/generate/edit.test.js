import { describe, expect, it } from 'vitest'

import { changeEdit, editOf, editRequest, growsObjects, isMasked, maskedBy, newEdit, NO_GROWTH, originalOf, OWN, restoreEdit } from './edit.js'

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
    [
      'upscale with a mask, which has no soft edge',
      { mask: MASK, upscale: 2 },
      { init_image: { input_id: IMAGE }, strength: 0.3, mask: { input_id: MASK }, mask_mode: 'whole', upscale: { factor: 2 } },
    ],
    ['upscale', { upscale: 2 }, { init_image: { input_id: IMAGE }, strength: 0.3, upscale: { factor: 2 } }],
  ])('says what the server wants of %s', (_what, change, body) => {
    expect(editRequest(change && { ...newEdit(IMAGE), ...change })).toEqual(body)
  })
})

describe('changeEdit', () => {
  const edit = { ...newEdit(IMAGE), size: { width: 384, height: 256 } }

  it.each([
    ['a mask, and sides that are as they were', { mask: MASK, growth: { ...NO_GROWTH } }, edit.size],
    ['another side', { growth: { ...NO_GROWTH, left: 64 } }, null],
    ['another factor', { upscale: 2 }, null],
    ['a size', { upscale: 2, size: { width: 512, height: 512 } }, { width: 512, height: 512 }],
  ])('keeps the chosen size while the result has the same: %s', (_what, patch, size) => {
    expect(changeEdit(edit, patch)).toEqual({ ...edit, ...patch, size })
  })
})

describe('what a sketch was painted on', () => {
  const BASE = 'c'.repeat(64)
  const FLAT = { input_id: IMAGE }

  it('is said beside the flattened picture, which has no name', () => {
    expect(editRequest({ ...newEdit(IMAGE), base: BASE }).base).toEqual({ input_id: BASE })
    expect(editRequest(newEdit(IMAGE))).not.toHaveProperty('base')
  })

  it('stays known when an edit is taken over, and sketched on again', () => {
    const again = editOf({ init_image: IMAGE, base: BASE, strength: 0.5 })
    expect([again.image, again.base, editRequest(again).base]).toEqual([IMAGE, null, { input_id: BASE }])
    expect(editRequest({ ...restoreEdit(again), image: MASK, base: IMAGE }).base).toEqual({ input_id: BASE })
    expect(editOf({ init_image: FLAT, base: { input_id: BASE } }).root).toEqual(again.root)
  })

  it('is not said of another picture', () => {
    const again = editOf({ init_image: IMAGE, base: BASE })
    expect(editRequest({ ...again, image: MASK })).not.toHaveProperty('base')
  })
})

describe('editOf', () => {
  it('knows again what was asked for', () => {
    const edit = { ...newEdit(IMAGE), strength: 0.3, mask: MASK, growth: { ...NO_GROWTH, top: 32 }, feather: 4 }
    expect(editOf({ prompt: 'a fox', ...editRequest(edit) })).toEqual({ ...edit, canvas: OWN })
  })

  it('reads a record, which has ids alone, and draws it at the same size', () => {
    const record = { init_image: IMAGE, mask: MASK, mask_mode: 'whole', strength: 0.4, width: 333, height: 217, drawn_width: 384, drawn_height: 256 }
    const edit = { ...newEdit(IMAGE), mask: MASK, strength: 0.4, feather: null, size: { width: 384, height: 256 }, canvas: OWN }
    expect(editOf(record)).toEqual(edit)
    expect(editRequest(edit)).toMatchObject({ width: 384, height: 256 })
    expect(editRequest(edit)).not.toHaveProperty('feather')
    expect(editOf({ ...record, upscale: { width: 512, height: 512, factor: 2.5 } }).upscale).toBe(2.5)
    expect(editOf({ ...record, drawn_width: null, drawn_height: null }).size).toBeNull()
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
    expect(restoreEdit(broken)).toEqual({ ...newEdit(IMAGE), feather: null, growth: { ...NO_GROWTH, top: 8 } })
  })

  it('keeps what is right', () => {
    const edit = { ...newEdit(IMAGE), mask: MASK, mask_mode: 'only_masked', strength: 1, upscale: 1.5 }
    expect(restoreEdit(JSON.parse(JSON.stringify(edit)))).toEqual(edit)
  })
})

describe('a picture that is transparent somewhere', () => {
  it('is known to be, and what is transparent is drawn without a trace of what it hides', () => {
    const edit = newEdit(IMAGE, { input_id: IMAGE, has_alpha: true })
    expect(restoreEdit(JSON.parse(JSON.stringify(edit)))).toEqual(edit)
    expect(editRequest({ ...edit, ...maskedBy(MASK) })).toMatchObject({ strength: 1, mask: { input_id: MASK } })
    expect(restoreEdit({ image: IMAGE, has_alpha: 'yes' }).has_alpha).toBe(false)
  })

  it('is the one below a colour sketch', () => {
    expect(originalOf({ ...newEdit(IMAGE), base: MASK })).toBe(MASK)
    expect(originalOf(newEdit(IMAGE))).toBe(IMAGE)
  })
})

it('is masked by what was painted, and by what it grows by', () => {
  const masked = [{ mask: MASK }, { growth: { ...NO_GROWTH, top: 8 } }, {}].map((change) => isMasked({ ...newEdit(IMAGE), ...change }))
  expect(masked).toEqual([true, true, false])
  expect(isMasked(null)).toBe(false)
})

describe('tiles', () => {
  const canny = { kind: 'canny', model: 'auto' }
  it.each([
    [false, { upscale: 2 }, []],
    [false, { upscale: 2, strength: 0.5 }, []],
    [true, { upscale: 2, strength: 0.55 }, []],
    [true, { upscale: 1.5, strength: 1 }, [canny]],
    [false, { upscale: 2, strength: 0.8 }, [canny, { kind: 'tile', model: 'auto' }]],
    [false, { upscale: 2, strength: 0.8 }, [{ kind: 'finished', model: 'Tile-2.1-lite.safetensors' }]],
    [false, { upscale: 1, strength: 0.8 }, []],
    [false, { upscale: 2, strength: 0.8, growth: { ...NO_GROWTH, left: 64 } }, []],
  ])('may grow objects of their own: %s for %j with %j', (expected, change, controls) => {
    expect(growsObjects({ ...newEdit(IMAGE), ...change }, controls)).toBe(expected)
  })
})
