import { describe, expect, it } from 'vitest'

import { makeImage } from '../../test/fakeServer.js'
import { parseInfotext, toInfotext } from './infotext.js'

const A1111 = `a red fox, (snow:1.2)
on two lines
Negative prompt: blurry, text
Steps: 20, Sampler: DPM++ 2M, CFG scale: 7.5, Seed: 4711, Size: 512x768, Model hash: 1a2b, Model: "some, model", Version: v1.9`

describe('parseInfotext', () => {
  it("reads A1111's text", () =>
    expect(parseInfotext(A1111)).toEqual({
      prompt: 'a red fox, (snow:1.2)\non two lines',
      loras: [],
      negative_prompt: 'blurry, text',
      width: 512,
      height: 768,
      num_inference_steps: 20,
      seed: 4711,
      guidance_scale: 6.5,
      shift: null,
      model: 'some, model',
    }))

  it('reads one without much in it', () =>
    expect(parseInfotext('一只狐狸\r\nSteps: 9, Seed: -1\r\n')).toMatchObject({ prompt: '一只狐狸', num_inference_steps: 9, seed: null, width: null }))

  it('makes nothing of what is quoted badly', () =>
    expect(parseInfotext('a fox\nSteps: 9, Model: "a, Seed: 1')).toMatchObject({ seed: 1, model: null }))

  it.each(['a fox', 'Steps to the door: 9, a fox', 'a fox\nSteps: many', ''])('leaves a plain prompt alone: %j', (text) =>
    expect(parseInfotext(text)).toBeNull(),
  )

  it('writes LoRAs into the prompt', () => {
    const image = makeImage(1, { prompt: 'a fox', loras: [{ name: 'ink', strength: 0.8, start: 0, end: 1 }] })
    expect(toInfotext(image)).toMatch(/^a fox <lora:ink:0.8>\n/)
    expect(parseInfotext(toInfotext(image))).toMatchObject({ prompt: 'a fox', loras: [{ name: 'ink', strength: 0.8 }] })
  })

  it('leaves calls alone that it does not know', () => {
    const read = parseInfotext('<lora:ink>, a fox, <lora:oil:-.5>, <lora:x:0.5:0.7>\nSteps: 9, Seed: 1')
    expect(read.loras).toEqual([{ name: 'ink', strength: 1 }, { name: 'oil', strength: -0.5 }])
    expect(read.prompt).toBe('a fox, <lora:x:0.5:0.7>')
  })

  it('reads what was written', () => {
    const image = makeImage(1, { negative_prompt: 'text', shift: 3, guidance_scale: 4, model: 'zimage: nano' })
    expect(parseInfotext(toInfotext(image))).toEqual({
      prompt: 'picture 1',
      loras: [],
      negative_prompt: 'text',
      width: 512,
      height: 512,
      num_inference_steps: 9,
      seed: 101,
      guidance_scale: 4,
      shift: 3,
      model: 'zimage: nano',
    })
  })
})
