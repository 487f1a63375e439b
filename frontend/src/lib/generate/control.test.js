import { expect, it } from 'vitest'

import { controlRequest, controlsOf, INPAINT, inpaintControl, netOf, newControl, restoreControls, tileNet } from './control.js'

const IMAGE = 'a'.repeat(64)

it('says what the server wants, and knows it again', () => {
  const controls = [newControl(IMAGE), { ...newControl(IMAGE, 'lite.safetensors'), kind: 'finished', start: 0.1, end: 0.5 }]
  const body = controlRequest(controls)
  expect(body.control[0]).toEqual({ image: { input_id: IMAGE }, kind: 'canny', model: 'auto', scale: 0.75, start: 0, end: 1 })
  expect(controlsOf(body)).toEqual(controls)
  expect(controlRequest([])).toEqual({})
})

it('reads a record, and a request with a preprocessor', () => {
  const record = { image: IMAGE, kind: 'lines', options: null, model: 'x', scale: 0.5, start: 0, end: 1 }
  expect(controlsOf({ control: [record] })).toEqual([{ ...newControl(IMAGE, 'x'), kind: 'lines', scale: 0.5 }])
  expect(controlsOf({ control: [{ ...record, kind: 'pose', preprocessor: 'none' }] })[0].kind).toBe('finished')
  expect(controlsOf({ control: [{ ...record, kind: 'depth' }] })[0].kind).toBe('depth')
  expect(controlsOf({ control: [{ ...record, kind: 'finished', preprocessor: 'pose' }] })[0].kind).toBe('pose')
  expect(controlsOf({})).toEqual([])
})

const AROUND = { ...newControl(null, 'union.safetensors'), kind: INPAINT }
const MASKED = { init_image: IMAGE, mask: 'b'.repeat(64), outpaint: null }

it('sends what sees the mask without a picture, and not where there is no mask', () => {
  const controls = [newControl(IMAGE), AROUND]
  const body = controlRequest(controls, true)
  expect(body.control[1]).toEqual({ kind: 'inpaint', model: 'union.safetensors', scale: 0.75, start: 0, end: 1 })
  expect(controlsOf(body)).toEqual(controls)
  expect(controlRequest(controls, false).control).toHaveLength(1)
  expect(controlRequest([AROUND], false)).toEqual({})
})

it('knows such a record again: its picture is the one that is drawn from', () => {
  const record = { image: IMAGE, kind: 'inpaint', options: null, model: 'union.safetensors', scale: 0.6, start: 0.1, end: 0.9, inpaint: true }
  const [control] = controlsOf({ ...MASKED, control: [record] })
  expect(control).toEqual({ ...AROUND, scale: 0.6, start: 0.1, end: 0.9 })
  expect(restoreControls(JSON.parse(JSON.stringify([control])))).toEqual([control])
})

it.each([
  ['was shown the mask', MASKED, true, undefined],
  ['was not shown the mask', MASKED, undefined, false],
  ['was not shown what grew', { init_image: IMAGE, outpaint: { left: 64 } }, undefined, false],
  ['had no mask to be shown', { init_image: IMAGE }, undefined, undefined],
])('draws the same again where a control %s', (_what, source, inpaint, meant) => {
  const record = { image: IMAGE, kind: 'canny', options: null, model: 'x', scale: 0.5, start: 0, end: 1, ...(inpaint && { inpaint }) }
  const controls = controlsOf({ ...source, control: [record] })
  expect(controls[0].inpaint).toBe(meant)
  expect(controlRequest(controls, true).control[0].inpaint).toBe(meant)
})

it('keeps that a request left the mask out', () => {
  const body = controlRequest([{ ...newControl(IMAGE), inpaint: false }], true)
  expect(body.control[0].inpaint).toBe(false)
  expect(controlsOf({ ...MASKED, ...body })[0].inpaint).toBe(false)
  expect(controlsOf({ ...MASKED, control: [{ ...body.control[0], inpaint: true }] })[0]).not.toHaveProperty('inpaint')
})

it('means ControlNets of the catalogue', () => {
  const [v1, union, tile] = ['v1', 'union', 'Z-Image-Turbo-Fun-Controlnet-Tile-2.1'].map((name) => ({ name, takes_mask: name !== 'v1' }))
  expect(inpaintControl([v1, union])).toMatchObject({ image: null, kind: 'inpaint', model: 'union' })
  expect(inpaintControl([union, v1]).model).toBe('auto')
  expect(netOf({ model: 'auto' }, [v1, union])).toBe(v1)
  expect(netOf({ model: 'union' }, [v1, union])).toBe(union)
  expect(tileNet([v1, union])).toBeUndefined()
  expect(tileNet([v1, tile])).toBe(tile)
})

it.each([undefined, null, 'x', [null], [{ image: 'x' }], [{}]])('makes nothing of %s', (stored) => {
  expect(restoreControls(stored)).toEqual([])
})

it('replaces what cannot be sent', () => {
  const broken = { image: IMAGE, kind: 'magic', model: 7, scale: 9, start: 0.5, end: 0.2 }
  expect(restoreControls([broken])).toEqual([{ ...newControl(IMAGE), kind: 'finished', start: 0.5 }])
})
