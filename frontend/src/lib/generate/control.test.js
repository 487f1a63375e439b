import { expect, it } from 'vitest'

import { controlRequest, controlsOf, newControl, restoreControls } from './control.js'

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

it.each([undefined, null, 'x', [null], [{ image: 'x' }], [{}]])('makes nothing of %s', (stored) => {
  expect(restoreControls(stored)).toEqual([])
})

it('replaces what cannot be sent', () => {
  const broken = { image: IMAGE, kind: 'magic', model: 7, scale: 9, start: 0.5, end: 0.2 }
  expect(restoreControls([broken])).toEqual([{ ...newControl(IMAGE), kind: 'finished', start: 0.5 }])
})
