import { describe, expect, it } from 'vitest'

import { CanvasDocument, NO_OUTPAINT } from '../document.js'
import { softenRect } from './feather.js'
import { SoftMask } from './soft.js'

const SIZE = { width: 60, height: 40 }
const WHOLE = { left: 0, top: 0, right: 60, bottom: 40 }
const BRUSH = { layer: 'mask', erase: false, hardness: 1, colour: '#000000' }

function open() {
  const doc = new CanvasDocument(SIZE)
  return { doc, soft: new SoftMask(doc) }
}

function dab(doc, x, y, erase = false) {
  doc.begin({ ...BRUSH, erase }).to({ x, y, radius: 3 })
  doc.end()
}

describe('SoftMask', () => {
  it('is the mask itself without an edge', () => {
    const { doc, soft } = open()
    soft.set({ feather: 0, outpaint: { ...NO_OUTPAINT, top: 16 } })
    expect(soft.values).toBe(doc.mask)
  })

  it('stays what the server draws while strokes come and go', () => {
    const { doc, soft } = open()
    const how = { feather: 8, outpaint: NO_OUTPAINT }
    soft.set(how)
    const steps = [() => dab(doc, 10, 10), () => dab(doc, 50, 30), () => dab(doc, 12, 12, true), () => doc.undo(), () => doc.invert(), () => doc.clear('mask')]
    for (const step of steps) {
      step()
      expect(soft.values).toEqual(softenRect(doc.mask, SIZE, WHOLE, how))
    }
    expect(soft.share).toBe(0)
  })

  it('counts what the edge adds, and what reaches in from the new sides', () => {
    const { doc, soft } = open()
    doc.fillRectangle({ left: 30, top: 20, right: 31, bottom: 21 }, BRUSH)
    soft.set({ feather: 16, outpaint: NO_OUTPAINT })
    expect(soft.share).toBeCloseTo(17 ** 2 / 2400, 3)
    const { share, version } = soft
    soft.set({ feather: 16, outpaint: { ...NO_OUTPAINT, right: 64 } })
    expect(soft.share).toBeGreaterThan(share + 0.1)
    expect(soft.version).toBe(version + 1)
    soft.set({ feather: 16, outpaint: { ...NO_OUTPAINT, right: 128 } })
    expect(soft.version).toBe(version + 1)
  })
})
