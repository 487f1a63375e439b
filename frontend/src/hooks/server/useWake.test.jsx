import { act, renderHook } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { useWake } from './useWake.js'

describe('useWake', () => {
  const onWake = vi.fn()
  beforeEach(() => {
    vi.useFakeTimers()
    onWake.mockClear()
  })
  afterEach(() => vi.useRealTimers())

  /** The clock goes on while no timer runs. */
  function sleep(ms) {
    vi.setSystemTime(Date.now() + ms)
    act(() => vi.advanceTimersByTime(2000))
  }

  it('tells once that the machine has slept', () => {
    renderHook(() => useWake(onWake))
    act(() => vi.advanceTimersByTime(60_000))
    expect(onWake).not.toHaveBeenCalled()
    sleep(3_600_000)
    act(() => vi.advanceTimersByTime(60_000))
    expect(onWake).toHaveBeenCalledOnce()
  })

  it('takes a busy page for no sleep, nor a hidden tab, whose timers are slow', () => {
    renderHook(() => useWake(onWake))
    sleep(5000)
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden')
    sleep(60_000)
    expect(onWake).not.toHaveBeenCalled()
  })
})
