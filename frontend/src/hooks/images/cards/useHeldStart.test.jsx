import { act, renderHook } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { useHeldStart } from './useHeldStart.js'

const list = (letters) => [...letters].map((id) => ({ id }))
const setUp = (letters) =>
  renderHook(({ name = 'all', shown, total, isHeld = true }) => useHeldStart(list(shown), { list: name, total, isHeld }), {
    initialProps: { shown: letters, total: 50 },
  })

describe('useHeldStart', () => {
  it('holds the first picture in its place until the new ones are asked for', () => {
    const { result, rerender } = setUp('abc')
    rerender({ shown: 'xya', total: 52 })
    expect(result.current.waiting).toBe(2)
    act(() => result.current.show())
    expect(result.current.waiting).toBe(0)
    rerender({ shown: 'zxy', total: 53 })
    expect(result.current.waiting).toBe(1)
    rerender({ shown: 'zxy', total: 53, isHeld: false })
    expect(result.current.waiting).toBe(0)
  })

  it('counts by the total where the first one is out of sight, and takes a deletion for none', () => {
    const { result, rerender } = setUp('abc')
    rerender({ shown: 'uvw', total: 80 })
    expect(result.current.waiting).toBe(30)
    act(() => result.current.show())
    rerender({ shown: 'vwx', total: 79 })
    expect(result.current.waiting).toBe(0)
  })

  it('takes another list for what it is', () => {
    const { result, rerender } = setUp('abc')
    rerender({ name: null, shown: 'abc', total: 50 })
    rerender({ name: 'all but some', shown: 'xyz', total: 70 })
    expect(result.current.waiting).toBe(0)
  })
})
