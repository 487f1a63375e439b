import { describe, expect, it } from 'vitest'

import { GUIDED } from '../../test/fakeServer.js'
import { adoptScale, guidanceRequest, scaleOf } from './guidance.js'

const DISTILLED = { id: 'z-image-turbo', guidance: false, guidance_scale: 0, negative_prompt: false }
const settings = (patch) => ({ guidance_scale: null, negative_prompt: '', ...patch })

describe('scaleOf', () => {
  it("is the model's own until another one is chosen", () => {
    expect(scaleOf(settings(), GUIDED)).toBe(4)
    expect(scaleOf(settings({ guidance_scale: 0 }), GUIDED)).toBe(0)
  })

  it('is none for a model that is not guided', () => expect(scaleOf(settings({ guidance_scale: 7 }), DISTILLED)).toBe(0))
})

describe('guidanceRequest', () => {
  it("leaves the model's own scale to the server", () => expect(guidanceRequest(settings(), GUIDED)).toEqual({}))

  it('leaves out a negative prompt that would have no effect', () => {
    const silent = settings({ guidance_scale: 0, negative_prompt: 'text' })
    expect(guidanceRequest(silent, GUIDED)).toEqual({ guidance_scale: 0 })
  })
})

describe('adoptScale', () => {
  it.each([
    [6, GUIDED, 6],
    [0, GUIDED, 0],
    [0, DISTILLED, null],
    [6, undefined, 6],
    [0, undefined, null],
    [undefined, GUIDED, null],
    [Infinity, GUIDED, null],
  ])('makes of %j by %j %j', (scale, model, expected) => expect(adoptScale(scale, model)).toBe(expected))
})
