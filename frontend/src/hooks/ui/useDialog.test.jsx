import { act, renderHook, waitFor } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { useHeldDialog, useNoDialog } from './useDialog.js'
import { closeDialog, open } from './useOpened.js'

const back = () => act(async () => {
  window.history.back()
  await new Promise((resolve) => window.addEventListener('popstate', resolve, { once: true }))
})

describe('useHeldDialog', () => {
  it('is shown until it says that it has closed, however it was asked to', async () => {
    const { result } = renderHook(() => useHeldDialog('canvas'))
    expect(result.current).toMatchObject({ isOpen: false, isShown: false })
    act(() => open({ dialog: 'canvas' }))
    expect(result.current).toMatchObject({ isOpen: true, isShown: true })
    await back()
    expect(result.current).toMatchObject({ isOpen: false, isShown: true })
    act(() => result.current.onClosed())
    expect(result.current.isShown).toBe(false)

    act(() => open({ dialog: 'canvas' }))
    expect(result.current.isShown).toBe(true)
    act(() => result.current.onClosed())
    expect(result.current.isShown, 'not again while the browser is still going back').toBe(false)
    await waitFor(() => expect(window.location.search).toBe(''))
    expect(result.current.isShown).toBe(false)
  })

  it('is open in an address that was followed', () => {
    window.history.replaceState(null, '', '/?dialog=canvas')
    const { result } = renderHook(() => useHeldDialog('canvas'))
    expect(result.current).toMatchObject({ isOpen: true, isShown: true })
  })
})

describe('closeDialog', () => {
  it('leaves another one alone', () => {
    window.history.replaceState(null, '', '/?dialog=help')
    closeDialog('canvas')
    expect(window.location.search).toBe('?dialog=help')
    closeDialog('help')
    expect(window.location.search).toBe('')
  })
})

describe('useNoDialog', () => {
  it('takes off the address what cannot be shown', () => {
    window.history.replaceState(null, '', '/?q=fox&dialog=purge')
    const { rerender } = renderHook(({ isNothing }) => useNoDialog('purge', isNothing), { initialProps: { isNothing: false } })
    expect(window.location.search).toBe('?q=fox&dialog=purge')
    rerender({ isNothing: true })
    expect(window.location.search).toBe('?q=fox')
  })
})
