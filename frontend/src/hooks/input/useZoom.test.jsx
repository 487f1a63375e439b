import { act, renderHook } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { clampView, pinchView, useZoom, zoomAt } from './useZoom.js'

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

describe('pinchView', () => {
  it('keeps under two fingers what was under them', () => {
    const before = [{ x: -10, y: 0 }, { x: 30, y: 0 }]
    const after = [{ x: -40, y: 20 }, { x: 80, y: 20 }]
    const view = pinchView({ scale: 2, x: 5, y: 5 }, before, after)
    const under = ({ x, y }, { scale, x: dx, y: dy }) => [(x - dx) / scale, (y - dy) / scale]
    expect(view.scale).toBe(6)
    before.forEach((finger, index) => {
      const [was, is] = [under(finger, { scale: 2, x: 5, y: 5 }), under(after[index], view)]
      expect(is[0]).toBeCloseTo(was[0])
      expect(is[1]).toBeCloseTo(was[1])
    })
  })

  it('fits again where they come together', () => {
    expect(pinchView({ scale: 2, x: 50, y: 9 }, [{ x: 0, y: 0 }, { x: 90, y: 0 }], [{ x: 0, y: 0 }, { x: 9, y: 0 }])).toEqual(FITTED)
  })
})

describe('clampView', () => {
  it('does not let the picture go', () => {
    expect(clampView({ scale: 2, x: 900, y: -900 }, { width: 100, height: 50 })).toEqual({ scale: 2, x: 100, y: -50 })
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
