import { describe, expect, it, vi } from 'vitest'

import { GUIDED } from '../../test/fakeServer.js'
import { newControl } from './control.js'
import { newEdit } from './edit.js'
import {
  DEFAULT_SETTINGS,
  drawSeed,
  forwardsOf,
  fromParameters,
  fromSource,
  isSameButPrompt,
  keepAuto,
  resetOf,
  restoreSettings,
  toRequest,
  validateSettings,
} from './settings.js'

const NANO = { id: 'zimage-nano', guidance: false }
const GOOD = { ...DEFAULT_SETTINGS, prompt: 'a red fox' }

describe('validateSettings', () => {
  it('finds nothing wrong with the defaults and a prompt', () => expect(validateSettings(GOOD)).toEqual({}))

  it.each([
    ['prompt', '  \n '],
    ['prompt', 'x'.repeat(4001)],
    ['prompt', 'bell\u0007'],
    ['width', 0],
    ['width', 250],
    ['height', 1000],
    ['height', 2064],
    ['seed', '-2'],
    ['seed', '1.5'],
    ['seed', '9007199254740992'],
    ['seed', 'abc'],
  ])('refuses %s = %j', (field, value) => {
    expect(Object.keys(validateSettings({ ...GOOD, [field]: value }))).toEqual([field])
  })

  it('counts characters, not UTF-16 units', () => {
    expect(validateSettings({ ...GOOD, prompt: '🦊'.repeat(4000) })).toEqual({})
  })

  it('takes tabs, newlines and the largest seed', () => {
    expect(validateSettings({ ...GOOD, prompt: 'a\tb\nc', seed: '9007199254740991' })).toEqual({})
  })
})

describe('what a model draws from', () => {
  const [IMAGE, OTHER] = ['a'.repeat(64), 'b'.repeat(64)]
  const OMNI = { id: 'omni', can: ['text', 'references', 'loras'] }
  const ALL = { ...GOOD, references: [IMAGE, OTHER], edit: newEdit(IMAGE), control: [newControl(OTHER)] }

  it('is sent, and nothing else that the form holds', () => {
    const body = toRequest(ALL, OMNI)
    expect(body).toMatchObject({ references: [{ input_id: IMAGE }, { input_id: OTHER }], width: 1024, height: 1024 })
    for (const name of ['init_image', 'control']) expect(body).not.toHaveProperty(name)
    const plain = toRequest(ALL, NANO)
    expect(plain).toMatchObject({ init_image: { input_id: IMAGE }, control: [{ image: { input_id: OTHER } }] })
    expect(plain).not.toHaveProperty('references')
    expect(toRequest(ALL)).toEqual(plain)
  })

  it('comes back from a record, which has ids alone, and from a request, in its order', () => {
    expect(fromSource({ prompt: 'x', references: [OTHER, IMAGE] }).references).toEqual([OTHER, IMAGE])
    expect(fromSource(toRequest(ALL, OMNI)).references).toEqual([IMAGE, OTHER])
    expect(fromSource({ prompt: 'x' }).references).toEqual([])
    expect(restoreSettings(JSON.parse(JSON.stringify(ALL))).references).toEqual([IMAGE, OTHER])
  })
})

describe('toRequest', () => {
  it('names the fields of the API and nothing else', () => {
    expect(toRequest({ ...GOOD, prompt: ' a fox ', seed: ' 7 ' })).toEqual({
      prompt: 'a fox',
      width: 1024,
      height: 1024,
      num_inference_steps: 9,
      use_gpu: true,
      seed: 7,
      model: 'auto',
      num_images: 1,
    })
  })

  it('takes a prompt that the form stands for', () => expect(toRequest(GOOD, undefined, 'an owl').prompt).toBe('an owl'))

  it('sends a shift only when one was chosen', () => {
    expect(Object.keys(toRequest(GOOD, NANO))).not.toContain('shift')
    expect(toRequest({ ...GOOD, shift: 5.5 }, NANO)).toMatchObject({ shift: 5.5 })
  })

  it.each([
    [3, 3],
    [0.1, 0.1],
    [0, null],
    [21, null],
    ['3', null],
    [undefined, null],
  ])('makes of a shift of %j %j', (stored, expected) => {
    expect(restoreSettings({ shift: stored }).shift).toBe(expected)
    expect(fromParameters({ shift: stored }, []).shift ?? null).toBe(expected)
  })

  it('sends guidance and a negative prompt to models that use them alone', () => {
    const settings = { ...GOOD, guidance_scale: 6, negative_prompt: ' text ' }
    expect(toRequest(settings, GUIDED)).toMatchObject({ guidance_scale: 6, negative_prompt: 'text' })
    for (const model of [undefined, { ...GUIDED, guidance: false, guidance_scale: 0, negative_prompt: false }]) {
      const keys = Object.keys(toRequest(settings, model))
      expect(keys).not.toContain('guidance_scale')
      expect(keys).not.toContain('negative_prompt')
    }
  })

  it.each(['', '-1', '−1', ' －１ '])('lets the server draw the seed %j', (seed) => {
    expect(validateSettings({ ...GOOD, seed })).toEqual({})
    expect(toRequest({ ...GOOD, seed }).seed).toBeNull()
  })
})

describe('restoreSettings', () => {
  it.each([null, 7, 'text'])('makes defaults of %j', (stored) => expect(restoreSettings(stored)).toEqual(DEFAULT_SETTINGS))

  it('keeps what fits and drops what does not', () => {
    const restored = restoreSettings({ prompt: 'kept', width: '512', foreign: 1 })
    expect(restored).toEqual({ ...DEFAULT_SETTINGS, prompt: 'kept' })
  })

  it.each([
    [7.5, 7.5],
    [null, null],
    [21, null],
    ['7', null],
  ])('makes of a guidance of %j %j', (stored, expected) => {
    expect(restoreSettings({ guidance_scale: stored }).guidance_scale).toBe(expected)
  })
})

describe('fromSource', () => {
  it('takes over a picture, seed included', () => {
    const settings = fromSource({ prompt: 'fox', width: 512, height: 768, seed: 0, model: 'zimage-nano', id: 'x' })
    expect(settings).toMatchObject({ prompt: 'fox', width: 512, height: 768, seed: '0', model: 'zimage-nano' })
  })

  it.each([
    ['prompt', { prompt: 'fox', negative_prompt: '' }],
    ['seed', { seed: '5', seed_locked: true }],
    ['size', { width: 512, height: 768, custom_size: false }],
  ])('takes over only the %s', (part, expected) => {
    expect(fromSource({ prompt: 'fox', width: 512, height: 768, seed: 5 }, { part })).toEqual(expected)
  })

  it('leaves the device alone, which a picture does not tell, and takes the one that was asked for', () => {
    expect(fromSource({ prompt: 'fox', use_gpu: false, device: 'cpu' })).not.toHaveProperty('use_gpu')
    expect(fromSource({ prompt: 'fox', use_gpu: true, model: 'auto' })).toMatchObject({ use_gpu: true, model: 'auto' })
    expect(fromSource({ prompt: 'fox', use_gpu: false })).toMatchObject({ use_gpu: false })
  })

  it('leaves the seed open where there was none', () => expect(fromSource({ seed: null }).seed).toBe(''))
})

describe('keepAuto', () => {
  it.each([
    ['auto', 'zimage-nano', { seed: '5' }],
    ['auto', 'z-image', { seed: '5', model: 'zimage-nano' }],
    ['zimage-nano', 'zimage-nano', { seed: '5', model: 'zimage-nano' }],
  ])('of a form with %s, which is %s, is %j', (model, auto, expected) => {
    expect(keepAuto({ seed: '5', model: 'zimage-nano' }, { model }, auto)).toEqual(expected)
  })
})

describe('fromParameters', () => {
  it('takes what the form can carry', () => {
    const foreign = { prompt: 'fox', width: 500, height: 4000, num_inference_steps: 80, seed: 7, model: 'sdxl' }
    expect(fromParameters(foreign, [NANO])).toEqual({
      prompt: 'fox',
      width: 496,
      height: 2048,
      custom_size: false,
      num_inference_steps: 50,
      seed: '7',
      seed_locked: true,
    })
  })

  it('leaves alone what the picture does not tell', () => {
    expect(fromParameters({ prompt: null, width: 512, height: null, seed: -1, model: 'zimage-nano' }, [NANO])).toEqual({
      model: 'zimage-nano',
    })
  })

  it('takes over guidance and the negative prompt', () => {
    const foreign = { guidance_scale: 25, negative_prompt: 'text', model: 'sdxl' }
    expect(fromParameters(foreign, [NANO])).toEqual({ guidance_scale: 20, negative_prompt: 'text' })
  })
})

describe('forwardsOf', () => {
  it.each([
    [1, 1],
    [2, 1],
    [9, 8],
    [50, 49],
  ])('%d steps are %d forwards', (steps, forwards) => expect(forwardsOf(steps)).toBe(forwards))
})

describe('drawSeed', () => {
  it('draws a seed that the server takes', () => expect(validateSettings({ ...GOOD, seed: drawSeed() })).toEqual({}))
})

describe('resetOf', () => {
  it('has nothing to do at the defaults', () => expect(resetOf(GOOD, ['width', 'height'], () => {})).toBeUndefined())

  it('brings all of the fields back', () => {
    const onChange = vi.fn()
    resetOf({ ...GOOD, height: 512 }, ['width', 'height'], onChange)()
    expect(onChange).toHaveBeenCalledWith({ width: 1024, height: 1024 })
  })
})

describe('isSameButPrompt', () => {
  const props = { settings: GOOD, error: undefined }

  it('overlooks the prompt', () => {
    expect(isSameButPrompt(props, { ...props, settings: { ...GOOD, prompt: 'two red foxes' } })).toBe(true)
  })

  it.each([
    ['another setting', { settings: { ...GOOD, width: 512 } }],
    ['another prop', { error: 'Too large.' }],
  ])('sees %s', (_, change) => expect(isSameButPrompt(props, { ...props, ...change })).toBe(false))
})

describe('a picture that was drawn with LoRAs', () => {
  const loras = [{ name: 'ink', strength: 0.8, start: 0, end: 0.5, sha256: 'a'.repeat(64) }]

  it('can be made again', () => {
    const settings = fromSource({ prompt: 'a fox', seed: 1, width: 512, height: 512, loras })
    expect(settings.loras).toEqual([{ ...loras[0], on: true }])
    expect(toRequest(settings).loras).toEqual(loras)
  })

  it('brings none where it had none', () => {
    expect(fromSource({ prompt: 'a fox', seed: 1 }).loras).toEqual([])
    expect(Object.keys(toRequest(GOOD))).not.toContain('loras')
  })

  it('is read out of its file', () => {
    expect(fromParameters({ loras }, []).loras).toEqual([{ ...loras[0], on: true }])
    expect(fromParameters({ loras: null }, [])).toEqual({ loras: [] })
    expect(fromParameters({}, [])).toEqual({})
  })
})

describe('a picture that was drawn from another one', () => {
  const image = { prompt: 'a fox', seed: 1, width: 4000, height: 3000, drawn_width: 512, drawn_height: 384, num_inference_steps: 9, model: 'auto', init_image: 'a'.repeat(64), strength: 0.5 }

  it('can be made again, whatever its size', () => {
    const settings = fromSource(image)
    expect(validateSettings(settings)).toEqual({})
    expect(toRequest(settings)).toMatchObject({ init_image: { input_id: image.init_image }, width: 512, height: 384, strength: 0.5 })
  })
})
