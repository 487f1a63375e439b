import { describe, expect, it } from 'vitest'

import { isDiskLow, toSample, vramPercent } from './samples.js'

describe('toSample', () => {
  it('keeps percentages, null where there is no GPU', () => {
    const status = {
      cpu: { usage_percent: 12 },
      memory: { usage_percent: 50 },
      gpu: null,
      disk: { usage_percent: 70 },
    }
    expect(toSample(status)).toEqual({ cpu: 12, memory: 50, gpu: null, vram: null, disk: 70 })
  })
})

describe('vramPercent', () => {
  it.each([
    [{ memory_total_gb: 24, memory_used_gb: 6 }, 25],
    [{ memory_total_gb: 0, memory_used_gb: 0 }, null],
    [{ memory_total_gb: 24, memory_used_gb: null }, null],
    [null, null],
  ])('of %j is %j', (gpu, expected) => expect(vramPercent(gpu)).toBe(expected))
})

describe('isDiskLow', () => {
  it.each([
    [4.9, true],
    [5, false],
  ])('with %d GB free is %s', (free, low) => expect(isDiskLow({ free_gb: free })).toBe(low))
})
