import { describe, expect, it } from 'vitest'

import { fitOf } from './fit.js'

const MODEL = { download_gb: 33 }
const machine = ({ vram = 0, memory = 32, free = 100 }) => ({
  gpu: vram > 0 ? { available: true, memory_total_gb: vram } : null,
  memory: { total_gb: memory },
  disk: { free_gb: free },
})

describe('fitOf', () => {
  it.each([
    [{ vram: 24 }, 'fast'],
    [{ vram: 8 }, 'offload'],
    [{ vram: 4 }, 'cpu'],
    [{}, 'cpu'],
    [{ memory: 16 }, 'memory'],
    [{ vram: 24, free: 20 }, 'disk'],
  ])('of %j is %s', (size, expected) => expect(fitOf(MODEL, machine(size))).toBe(expected))

  it('needs room for what is still to come alone', () => {
    const started = { ...MODEL, download: { state: 'none', done_bytes: 20e9, total_bytes: 33e9 } }
    expect(fitOf(started, machine({ vram: 24, free: 20 }))).toBe('fast')
  })

  it('knows that a card may not tell its memory', () => {
    expect(fitOf(MODEL, { ...machine({}), gpu: { available: true, memory_total_gb: null } })).toBe('cpu')
  })
})
