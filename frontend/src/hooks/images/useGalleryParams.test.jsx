import { act, renderHook } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { useGalleryParams } from './useGalleryParams.js'

describe('useGalleryParams', () => {
  it('keeps the page in the address, the first one unsaid', () => {
    const { result } = renderHook(() => useGalleryParams())
    act(() => result.current[1]({ page: 3 }))
    expect([result.current[0].page, window.location.search]).toEqual([3, '?page=3'])
    act(() => result.current[1]({ page: 1 }))
    expect([result.current[0].page, window.location.search]).toEqual([1, ''])
  })

  it('makes one step of history of a page, and none of typing', () => {
    const { result } = renderHook(() => useGalleryParams())
    const before = window.history.length
    for (const q of ['f', 'fo', 'fox']) act(() => result.current[1]({ q }))
    for (const tag of ['r', 're', 'red', '']) act(() => result.current[1]({ tag }))
    expect(window.history.length).toBe(before)
    act(() => result.current[1]({ page: 2 }))
    expect([window.history.length, window.location.search]).toEqual([before + 1, '?q=fox&page=2'])
  })
})
