import { act, renderHook } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { usePageParam } from './usePageParam.js'

describe('usePageParam', () => {
  it.each(['?page=0', '?page=-1', '?page=x', '?page=1.5', '?page=99999999', ''])('reads %j as the first page', (search) => {
    window.history.replaceState(null, '', `/${search}`)
    expect(renderHook(() => usePageParam()).result.current[0]).toBe(1)
  })

  it('keeps the rest of the address', () => {
    window.history.replaceState(null, '', '/?x=1#here')
    const { result } = renderHook(() => usePageParam())
    act(() => result.current[1](3))
    expect([result.current[0], window.location.search, window.location.hash]).toEqual([3, '?x=1&page=3', '#here'])
    act(() => result.current[1](1))
    expect(window.location.search).toBe('?x=1')
  })
})
