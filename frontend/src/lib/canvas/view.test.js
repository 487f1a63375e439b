import { describe, expect, it } from 'vitest'

import { boundsOf, clampView, fitView, leastScale, pinch, reveal, toPicture, toScreen, zoomAbout } from './view.js'
import { ViewStore } from './viewStore.js'

const SIZE = { width: 1000, height: 500 }
const NONE = { top: 0, right: 0, bottom: 0, left: 0 }
const BOUNDS = boundsOf(SIZE, NONE)
const STAGE = { width: 800, height: 600 }

describe('a view', () => {
  it.each([
    { scale: 1, x: 0, y: 0 },
    { scale: 0.37, x: -120.5, y: 33 },
    { scale: 16, x: 4, y: -900.25 },
  ])('leads from the screen to the picture and back: %j', (view) => {
    const point = { x: 123.25, y: 456.5 }
    const back = toScreen(view, toPicture(view, point))
    expect(back.x).toBeCloseTo(point.x, 9)
    expect(back.y).toBeCloseTo(point.y, 9)
  })

  it('fits the whole picture into the middle of the stage', () => {
    const view = fitView(STAGE, BOUNDS)
    const [corner, end] = [toScreen(view, { x: 0, y: 0 }), toScreen(view, { x: 1000, y: 500 })]
    expect(corner.x).toBeCloseTo(STAGE.width - end.x)
    expect(corner.y).toBeCloseTo(STAGE.height - end.y)
    expect(corner.x).toBeGreaterThan(0)
    expect(view.scale).toBeLessThan(0.8)
  })

  it('fits what grows around as well', () => {
    const grown = boundsOf(SIZE, { top: 0, right: 0, bottom: 0, left: 500 })
    const view = fitView(STAGE, grown)
    expect(toScreen(view, { x: -500, y: 0 }).x).toBeGreaterThanOrEqual(0)
    expect(toScreen(view, { x: 1000, y: 0 }).x).toBeLessThanOrEqual(STAGE.width)
  })

  it('keeps the point under the pointer where it is, at any zoom', () => {
    const point = { x: 200, y: 150 }
    let view = fitView(STAGE, BOUNDS)
    const under = toPicture(view, point)
    for (const factor of [2, 3, 0.5, 100, 0.001]) {
      view = zoomAbout(view, factor, point, 0.01)
      expect(toPicture(view, point).x).toBeCloseTo(under.x, 6)
      expect(toPicture(view, point).y).toBeCloseTo(under.y, 6)
    }
    expect(zoomAbout(view, 1e9, point, 0.01).scale).toBe(32)
    expect(zoomAbout(view, 1e-9, point, leastScale(STAGE, BOUNDS)).scale).toBe(leastScale(STAGE, BOUNDS))
  })

  it('goes with two fingers', () => {
    const view = { scale: 1, x: 10, y: 20 }
    const before = [{ x: 100, y: 100 }, { x: 200, y: 100 }]
    const after = [{ x: 150, y: 130 }, { x: 350, y: 130 }]
    const next = pinch(view, before, after, 0.1)
    expect(next.scale).toBe(2)
    for (const index of [0, 1]) {
      expect(toScreen(next, toPicture(view, before[index])).x).toBeCloseTo(after[index].x)
      expect(toScreen(next, toPicture(view, before[index])).y).toBeCloseTo(after[index].y)
    }
  })

  it('never loses the picture', () => {
    for (const [x, y] of [[9999, 0], [-9999, 0], [0, 9999], [0, -9999]]) {
      const view = clampView({ scale: 0.5, x, y }, STAGE, BOUNDS)
      const [corner, end] = [toScreen(view, { x: 0, y: 0 }), toScreen(view, { x: 1000, y: 500 })]
      expect(Math.min(end.x, STAGE.width) - Math.max(corner.x, 0)).toBeGreaterThanOrEqual(48)
      expect(Math.min(end.y, STAGE.height) - Math.max(corner.y, 0)).toBeGreaterThanOrEqual(48)
    }
  })

  it('brings a point into sight, and stays where it is seen', () => {
    const view = { scale: 4, x: 0, y: 0 }
    expect(reveal(view, STAGE, { x: 100, y: 100 })).toEqual(view)
    const moved = reveal(view, STAGE, { x: 400, y: 0 })
    expect(toScreen(moved, { x: 400, y: 0 })).toEqual({ x: STAGE.width - 28, y: 28 })
  })
})

describe('ViewStore', () => {
  const opened = () => {
    const store = new ViewStore(SIZE, NONE)
    store.resize(STAGE)
    return store
  }

  it('fits again when the window changes, until somebody has zoomed', () => {
    const store = opened()
    store.resize({ width: 400, height: 300 })
    expect(store.view).toEqual(fitView({ width: 400, height: 300 }, BOUNDS))
    store.zoomIn()
    const middle = toPicture(store.view, store.middle)
    const { scale } = store.view
    store.resize(STAGE)
    expect(store.view.scale).toBe(scale)
    expect(toPicture(store.view, store.middle).x).toBeCloseTo(middle.x)
  })

  it('shows a pixel as a pixel', () => {
    const store = opened()
    store.actual()
    expect(store.view.scale).toBe(1)
    store.fit()
    expect(store.view).toEqual(fitView(STAGE, BOUNDS))
  })

  it('tells who shows it', () => {
    const store = opened()
    let told = 0
    const end = store.subscribe(() => (told += 1))
    store.pan(5, 5)
    end()
    store.pan(5, 5)
    expect(told).toBe(1)
  })
})
