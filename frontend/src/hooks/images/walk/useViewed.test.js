import { act, renderHook } from '@testing-library/react'
import { afterEach, expect, it } from 'vitest'

import { changeSearch } from '../../ui/useAddress.js'
import { useViewed } from './useViewed.js'

const [FIRST, LAST] = ['a'.repeat(32), 'b'.repeat(32)]
afterEach(() => changeSearch(() => '', { replace: true }))

it('stays at the picture seen last when the address lets go of it before the deferred one has caught up', () => {
  changeSearch(() => `?picture=${FIRST}`, { replace: true })
  const { result } = renderHook(() => useViewed(FIRST))
  act(() => changeSearch(() => `?picture=${LAST}`, { replace: true }))
  expect(result.current).toBe(LAST)
  act(() => changeSearch(() => '', { replace: true }))
  expect(result.current).toBe(LAST)
})
