import { act, renderHook } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { usePersistentState } from './usePersistentState.js'

describe('usePersistentState', () => {
  it('keeps a value across mounts', () => {
    const { result, unmount } = renderHook(() => usePersistentState('k', 1))
    act(() => result.current[1]((value) => value + 1))
    unmount()
    expect(renderHook(() => usePersistentState('k', 1)).result.current[0]).toBe(2)
  })

  it.each(['{torn', 'undefined'])('starts afresh from %s', (text) => {
    window.localStorage.setItem('k', text)
    expect(renderHook(() => usePersistentState('k', 'initial')).result.current[0]).toBe('initial')
  })

  it('keeps what each tab has, and begins a new one with what was written last', () => {
    const ofTab = () => renderHook(() => usePersistentState('k', 1, undefined, { ofTab: true }))
    const { result, unmount } = ofTab()
    act(() => result.current[1]('mine'))
    unmount()
    window.localStorage.setItem('k', '"of another tab"')
    expect(ofTab().result.current[0]).toBe('mine')
    window.sessionStorage.clear()
    expect(ofTab().result.current[0]).toBe('of another tab')
  })

  it('works without storage', () => {
    vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError')
    })
    const { result } = renderHook(() => usePersistentState('k', 1))
    act(() => result.current[1](5))
    expect(result.current[0]).toBe(5)
  })
})
