import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { afterPaint } from './afterPaint.js'

describe('afterPaint', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['requestAnimationFrame', 'cancelAnimationFrame', 'setTimeout', 'clearTimeout'] }))
  afterEach(() => vi.useRealTimers())

  it('works only when a frame has been drawn', () => {
    const work = vi.fn()
    afterPaint(work)
    expect(work).not.toHaveBeenCalled()
    vi.advanceTimersToNextFrame()
    expect(work).not.toHaveBeenCalled()
    vi.runAllTimers()
    expect(work).toHaveBeenCalledOnce()
  })

  it('can be called off before and after that frame', () => {
    const work = vi.fn()
    afterPaint(work)()
    const callOff = afterPaint(work)
    vi.advanceTimersToNextFrame()
    callOff()
    vi.runAllTimers()
    expect(work).not.toHaveBeenCalled()
  })
})
