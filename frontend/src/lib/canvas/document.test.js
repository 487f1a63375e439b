import { Buffer } from 'node:buffer'

import { describe, expect, it, vi } from 'vitest'

import { CanvasDocument, NO_OUTPAINT } from './document.js'
import { History, LEAST_STEPS } from './history.js'
import { fromPixel, toPixel } from './raster/blend.js'

const SIZE = { width: 300, height: 200 }
const HARD = { layer: 'mask', erase: false, hardness: 1 }
const RUBBER = { ...HARD, erase: true }
const PAINT = { layer: 'sketch', erase: false, hardness: 1, colour: '#102030' }

function paint(doc, brush, points, radius = 10) {
  const stroke = doc.begin(brush)
  for (const [x, y] of points) stroke.to({ x, y, radius })
  doc.end()
}

/** Compared as a whole: a matcher would look at every pixel. */
const isSame = (a, b) => Buffer.from(a.buffer).equals(Buffer.from(b.buffer))
const at = (doc, x, y) => doc.mask[y * SIZE.width + x]
const count = (mask) => mask.reduce((sum, value) => sum + (value > 0 ? 1 : 0), 0)

describe('a canvas document', () => {
  it('is empty at first, and has no sketch before one is painted', () => {
    const doc = new CanvasDocument(SIZE)
    expect(doc.state).toMatchObject({ canUndo: false, canRedo: false, share: 0, hasSketch: false, outpaint: NO_OUTPAINT })
    expect(doc.sketch).toBe(null)
  })

  it('knows only black and white under a hard brush, also where strokes cross tiles', () => {
    const doc = new CanvasDocument(SIZE)
    paint(doc, HARD, [[100.3, 100.7], [160.2, 140.9], [140, 60]], 17.3)
    expect(new Set(doc.mask)).toEqual(new Set([0, 255]))
    expect(at(doc, 128, 118)).toBe(255)
    paint(doc, RUBBER, [[128, 118]], 5)
    expect(at(doc, 128, 118)).toBe(0)
    expect(new Set(doc.mask)).toEqual(new Set([0, 255]))
  })

  it('has a soft edge under a soft brush, no darker where the stroke crosses itself', () => {
    const doc = new CanvasDocument(SIZE)
    const soft = { ...HARD, hardness: 0.2 }
    paint(doc, soft, [[100, 100]], 40)
    const once = doc.mask.slice()
    expect(new Set(once).size).toBeGreaterThan(20)
    expect([at(doc, 100, 100), at(doc, 200, 100)]).toEqual([255, 0])
    doc.undo()
    paint(doc, soft, [[100, 100], [100, 100], [100, 100]], 40)
    expect(isSame(doc.mask, once)).toBe(true)
  })

  it('takes steps back and makes them again, to the bit', () => {
    const doc = new CanvasDocument(SIZE)
    const seen = [doc.mask.slice()]
    const steps = [
      () => paint(doc, { ...HARD, hardness: 0 }, [[20, 20], [280, 180]], 30),
      () => doc.invert(),
      () => doc.fillPolygon([{ x: 10, y: 10 }, { x: 200, y: 30 }, { x: 90, y: 190 }], RUBBER),
      () => doc.fillRectangle({ left: 3, top: 4, right: 250, bottom: 150 }, HARD),
      () => doc.fillAll(HARD),
      () => paint(doc, RUBBER, [[100, 100]], 50),
      () => doc.clear('mask'),
      () => doc.replaceMask(seen[1]),
    ]
    for (const step of steps) {
      step()
      seen.push(doc.mask.slice())
    }
    for (let index = steps.length - 1; index >= 0; index -= 1) {
      expect(doc.undo()).toBeTruthy()
      expect(isSame(doc.mask, seen[index])).toBe(true)
    }
    expect([doc.undo(), doc.state.canUndo]).toEqual([undefined, false])
    for (let index = 1; index <= steps.length; index += 1) {
      doc.redo()
      expect(isSame(doc.mask, seen[index])).toBe(true)
    }
    expect(doc.redo()).toBe(undefined)
  })

  it('says what it has taken back', () => {
    const doc = new CanvasDocument(SIZE)
    paint(doc, HARD, [[9, 9]])
    paint(doc, RUBBER, [[9, 9]])
    doc.invert()
    expect([doc.undo(), doc.undo(), doc.undo()]).toEqual(['invert', 'erase', 'brush'])
  })

  it('makes no step of what changes nothing', () => {
    const doc = new CanvasDocument(SIZE)
    paint(doc, RUBBER, [[50, 50]])
    doc.clear('mask')
    doc.clear('sketch')
    doc.setOutpaint({ ...NO_OUTPAINT })
    doc.discard()
    paint(doc, HARD, [[-500, -500]])
    expect(doc.state.canUndo).toBe(false)
  })

  it('inverts twice to what it was, and greys to their opposite', () => {
    const doc = new CanvasDocument(SIZE, { mask: new Uint8Array(SIZE.width * SIZE.height).fill(50) })
    doc.invert()
    expect(new Set(doc.mask)).toEqual(new Set([205]))
    doc.invert()
    expect(new Set(doc.mask)).toEqual(new Set([50]))
  })

  it('drops a stroke that became two fingers as if it had never been', () => {
    const doc = new CanvasDocument(SIZE)
    paint(doc, HARD, [[50, 50]])
    const before = doc.mask.slice()
    doc.begin(RUBBER).to({ x: 50, y: 50, radius: 30 })
    expect(isSame(doc.mask, before)).toBe(false)
    doc.cancel()
    expect(isSame(doc.mask, before)).toBe(true)
    expect(doc.undo()).toBe('brush')
    expect(count(doc.mask)).toBe(0)
  })

  it('finishes a stroke before anything else happens', () => {
    const doc = new CanvasDocument(SIZE)
    doc.begin(HARD).to({ x: 50, y: 50, radius: 10 })
    doc.invert()
    expect([doc.undo(), doc.undo()]).toEqual(['invert', 'brush'])
  })

  it('sketches in colours, over one another, and takes paint away', () => {
    const doc = new CanvasDocument(SIZE)
    paint(doc, PAINT, [[50, 50]], 20)
    const pixel = () => fromPixel(doc.sketch[50 * SIZE.width + 50])
    expect(pixel()).toEqual([16, 32, 48, 255])
    expect(doc.state.hasSketch).toBe(true)
    paint(doc, { ...PAINT, colour: '#ffffff' }, [[50, 50]], 20)
    expect(pixel()).toEqual([255, 255, 255, 255])
    paint(doc, { ...PAINT, erase: true }, [[50, 50]], 30)
    expect([pixel(), doc.state.hasSketch]).toEqual([[0, 0, 0, 0], false])
    doc.undo()
    doc.undo()
    expect(pixel()).toEqual([16, 32, 48, 255])
    expect(count(doc.mask)).toBe(0)
  })

  it('keeps the colour of a soft edge that lies on nothing', () => {
    const doc = new CanvasDocument(SIZE)
    paint(doc, { ...PAINT, hardness: 0 }, [[50, 50]], 20)
    const edges = [...doc.sketch].filter((pixel) => pixel !== 0).map(fromPixel)
    expect(edges.some(([, , , alpha]) => alpha > 0 && alpha < 255)).toBe(true)
    expect(new Set(edges.map(([red, green, blue]) => `${red} ${green} ${blue}`))).toEqual(new Set(['16 32 48']))
  })

  it('mixes what shines through with what is below', () => {
    const sketch = new Uint32Array(SIZE.width * SIZE.height).fill(toPixel([200, 100, 0]))
    const doc = new CanvasDocument(SIZE, { sketch })
    paint(doc, { ...PAINT, colour: '#000000', hardness: 0 }, [[50, 50]], 20)
    const [red, green, blue, alpha] = fromPixel(doc.sketch[50 * SIZE.width + 60])
    expect(alpha).toBe(255)
    expect(red).toBeGreaterThan(50)
    expect(red).toBeLessThan(150)
    expect([Math.abs(red - 2 * green) <= 2, blue]).toEqual([true, 0])
  })

  it('has what grows around the picture among its steps', () => {
    const doc = new CanvasDocument(SIZE)
    doc.setOutpaint({ ...NO_OUTPAINT, left: 64 })
    doc.setOutpaint({ ...NO_OUTPAINT, left: 64, top: 32 })
    expect(doc.undo()).toBe('outpaint')
    expect(doc.state.outpaint).toEqual({ ...NO_OUTPAINT, left: 64 })
    doc.redo()
    expect(doc.state.outpaint.top).toBe(32)
  })

  it('throws all away in one step, which can be taken back', () => {
    const doc = new CanvasDocument(SIZE)
    paint(doc, HARD, [[50, 50]])
    paint(doc, PAINT, [[50, 50]])
    doc.setOutpaint({ ...NO_OUTPAINT, left: 64 })
    const [mask, sketch] = [doc.mask.slice(), doc.sketch.slice()]
    doc.discard()
    expect(doc.state).toMatchObject({ share: 0, hasSketch: false, outpaint: NO_OUTPAINT })
    expect(doc.undo()).toBe('discard')
    expect([isSame(doc.mask, mask), isSame(doc.sketch, sketch), doc.outpaint.left]).toEqual([true, true, 64])
  })

  it('tells who shows it of pixels at once, and of a finished change once', () => {
    const doc = new CanvasDocument(SIZE)
    const [painter, listener] = [vi.fn(), vi.fn()]
    doc.onPaint(painter)
    doc.subscribe(listener)
    const stroke = doc.begin(HARD)
    stroke.to({ x: 50, y: 50, radius: 10 })
    expect([painter.mock.calls.length, listener.mock.calls.length]).toEqual([1, 0])
    expect(painter.mock.calls[0][1]).toEqual({ left: 39, top: 39, right: 61, bottom: 61 })
    doc.end()
    expect(listener).toHaveBeenCalledTimes(1)
  })

  it('says how much is repainted', () => {
    const doc = new CanvasDocument(SIZE)
    doc.fillRectangle({ left: 0, top: 0, right: 150, bottom: 200 }, HARD)
    expect(doc.state.share).toBe(0.5)
  })

  it('remembers the promised number of steps on the largest picture, whatever they are, within its memory', () => {
    const large = { width: 4096, height: 4096 }
    const history = new History()
    const doc = new CanvasDocument(large, {}, history)
    for (let number = 0; number < LEAST_STEPS; number += 1) {
      const y = (number * 4096) / LEAST_STEPS
      if (number % 10 === 5) doc.invert()
      else paint(doc, { ...(doc.state.share > 0.5 ? RUBBER : HARD), hardness: number % 2 }, [[0, y], [4096, 4096 - y]], 40)
    }
    expect(history.length).toBe(LEAST_STEPS)
    expect(history.bytes).toBeLessThan(history.mostBytes)
    while (doc.undo());
    expect(doc.mask.indexOf(255)).toBe(-1)
  })
})

describe('a mask as a whole', () => {
  const size = { width: 9, height: 7 }
  const dot = { left: 4, top: 3, right: 5, bottom: 4 }
  const count = (doc) => doc.mask.reduce((sum, grey) => sum + grey / 255, 0)

  it('grows, shrinks and comes back', () => {
    const doc = new CanvasDocument(size)
    doc.fillRectangle(dot, { layer: 'mask', erase: false })
    doc.reshape(2)
    expect(count(doc)).toBe(25)
    doc.reshape(-1)
    expect([count(doc), doc.mask[3 * 9 + 4]]).toEqual([9, 255])
    expect([doc.undo(), count(doc), doc.undo(), count(doc)]).toEqual(['shrink', 25, 'grow', 1])
  })

  it('holds to the picture’s border when it shrinks', () => {
    const doc = new CanvasDocument(size)
    doc.fillAll({ layer: 'mask', erase: false })
    doc.reshape(-2)
    expect(count(doc)).toBe(63)
  })

  it('takes up a sketch with a margin, and knows of paint outside', () => {
    const doc = new CanvasDocument(size)
    doc.fillRectangle(dot, { layer: 'sketch', erase: false, colour: '#ff0000' })
    expect(doc.state.isSketchLoose).toBe(true)
    doc.maskSketch(1)
    expect([count(doc), doc.state.isSketchLoose]).toEqual([9, false])
    doc.undo()
    expect([count(doc), doc.state.isSketchLoose]).toEqual([0, true])
  })
})

describe('a brush that paints in part', () => {
  const at = (doc, x, y) => doc.mask[y * SIZE.width + x]
  const dab = (doc, strength, erase = false) => {
    const stroke = doc.begin({ ...HARD, strength, erase })
    for (const x of [50, 60, 50]) stroke.to({ x, y: 50, radius: 10 })
    doc.end()
  }

  it('paints a grey that a stroke does not darken twice, but a second stroke does', () => {
    const doc = new CanvasDocument(SIZE)
    dab(doc, 0.4)
    expect([at(doc, 55, 50), at(doc, 90, 50)]).toEqual([102, 0])
    dab(doc, 0.4)
    expect(at(doc, 55, 50)).toBe(163)
    dab(doc, 1, true)
    expect(at(doc, 55, 50)).toBe(0)
  })

  it('fills with it', () => {
    const doc = new CanvasDocument(SIZE)
    doc.fillAll({ ...HARD, strength: 0.2 })
    expect(at(doc, 0, 0)).toBe(51)
    doc.fillRectangle({ left: 0, top: 0, right: 1, bottom: 1 }, { ...PAINT, strength: 0.2 })
    expect(fromPixel(doc.sketch[0])).toEqual([16, 32, 48, 51])
  })
})
