import { describe, expect, it } from 'vitest'

import { estimateMs } from './estimate.js'

const picture = (ms, patch) => ({
  model: 'nano',
  use_gpu: false,
  width: 512,
  height: 512,
  num_inference_steps: 9,
  generation_time_ms: ms,
  ...patch,
})

describe('estimateMs', () => {
  it('takes what the same took before', () => {
    expect(estimateMs(picture(0), [picture(900), picture(900)])).toBeCloseTo(900)
  })

  it('grows with the area and the forwards', () => {
    const known = [picture(900), picture(900)]
    expect(estimateMs(picture(0, { width: 1024 }), known)).toBeCloseTo(1800)
    expect(estimateMs(picture(0, { num_inference_steps: 18 }), known)).toBeCloseTo(1800)
  })

  it('knows that a guided step looks twice', () => {
    expect(estimateMs(picture(0, { guidance_scale: 4 }), [picture(900), picture(900)])).toBeCloseTo(1700)
  })

  it('is not misled by the picture that loaded the model', () => {
    expect(estimateMs(picture(0), [picture(900), picture(60_000), picture(900)])).toBeCloseTo(900)
  })

  it('says nothing of what it has not seen', () => {
    expect(estimateMs(picture(0), [picture(900)])).toBeNull()
    expect(estimateMs(picture(0, { use_gpu: true }), [picture(900), picture(900)])).toBeNull()
    expect(estimateMs(picture(0, { model: 'turbo' }), [picture(900), picture(900)])).toBeNull()
  })
})
