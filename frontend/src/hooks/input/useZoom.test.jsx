import { act, renderHook } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { useZoom, zoomAt } from './useZoom.js'

const FITTED = { scale: 1, x: 0, y: 0 }

describe('zoomAt', () => {
  it('keeps the point under the pointer where it is', () => {
    const view = zoomAt(FITTED, 2, 100, -40)
    // The point stood at (100, −40) of the fitted picture: scaled and moved, it still does.
    expect([100 * view.scale + view.x, -40 * view.scale + view.y]).toEqual([100, -40])
  })

  it('stops at eight times', () => expect(zoomAt(FITTED, 100).scale).toBe(8))

  it('fits again where it would be smaller than the stage', () => {
    expect(zoomAt({ scale: 1.2, x: 50, y: 9 }, 0.5)).toEqual(FITTED)
  })
})

describe('useZoom', () => {
  const setUp = () => {
    const stageRef = { current: document.createElement('div') }
    return renderHook(({ id }) => useZoom(id, stageRef), { initialProps: { id: 'a' } })
  }

  it('zooms and pans by keys', () => {
    const { result } = setUp()
    act(() => result.current.pan(10, 10))
    expect(result.current.style, 'a fitted picture stays').toBeUndefined()
    act(() => result.current.zoomIn())
    act(() => result.current.pan(10, -20))
    expect(result.current.style.transform).toBe('translate(10px, -20px) scale(1.5)')
    act(() => result.current.fit())
    expect(result.current.zoomed).toBe(false)
  })

  it('fits the next picture', () => {
    const { result, rerender } = setUp()
    act(() => result.current.zoomIn())
    rerender({ id: 'b' })
    expect(result.current.zoomed).toBe(false)
  })
})
