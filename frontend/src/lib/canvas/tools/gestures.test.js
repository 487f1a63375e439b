import { Buffer } from 'node:buffer'

import { beforeEach, describe, expect, it, vi } from 'vitest'

import { CanvasDocument, NO_OUTPAINT } from '../document.js'
import { DEFAULT_SETTINGS } from '../settings.js'
import { ViewStore } from '../viewStore.js'
import { Gestures } from './gestures.js'
import { Session } from './session.js'

const SIZE = { width: 400, height: 400 }
let doc, view, session, gestures, onPen, onPick

/** The stage shows a pixel as a pixel, its corner at 0, 0. */
beforeEach(() => {
  doc = new CanvasDocument(SIZE)
  view = new ViewStore(SIZE, NO_OUTPAINT)
  view.resize(SIZE)
  view.view = { scale: 1, x: 0, y: 0 }
  onPen = vi.fn()
  onPick = vi.fn()
  session = new Session({ doc, view, settings: { ...DEFAULT_SETTINGS, size: 20 } })
  session.attach({ onPick })
  gestures = new Gestures(session)
  gestures.attach({ locate: ({ x, y }) => ({ x, y }), onPen })
})

const use = (patch) => session.setSettings({ ...session.settings, ...patch })
const event = (x, y, more = {}) => ({ x, y, pointerId: 1, pointerType: 'mouse', button: 0, buttons: 1, pressure: 0.5, timeStamp: 0, detail: 1, ...more })
const drag = (points, more) => {
  gestures.down(event(...points[0], more))
  for (const point of points.slice(1)) gestures.move(event(...point, more))
  gestures.up(event(...points.at(-1), more))
}
const click = (x, y, more) => drag([[x, y]], more)
const at = (x, y) => doc.mask[y * SIZE.width + x]
const painted = () => doc.mask.reduce((sum, value) => sum + (value > 0 ? 1 : 0), 0)

describe('a mouse', () => {
  it('paints where it is dragged, as one step', () => {
    drag([[50, 50], [150, 50]])
    expect([at(50, 50), at(100, 50), at(150, 50), at(100, 70)]).toEqual([255, 255, 255, 0])
    doc.undo()
    expect(painted()).toBe(0)
  })

  it.each([
    ['the right button', { button: 2, buttons: 2 }],
    ['Alt', { altKey: true }],
    ['Ctrl', { ctrlKey: true }],
  ])('takes away with %s', (_, more) => {
    doc.fillAll(session.brushOf(false))
    click(50, 50, more)
    expect([at(50, 50), at(90, 50)]).toEqual([0, 255])
  })

  it('takes away with the eraser', () => {
    doc.fillAll(session.brushOf(false))
    use({ tool: 'eraser' })
    click(50, 50)
    expect(at(50, 50)).toBe(0)
  })

  it('draws a straight line from the last point with Shift', () => {
    click(50, 50)
    click(250, 150, { shiftKey: true })
    expect(at(150, 100)).toBe(255)
  })

  it.each([
    ['the middle button', { button: 1, buttons: 4 }, () => {}],
    ['Space held', {}, () => gestures.holdSpace(true)],
    ['the hand', {}, () => use({ tool: 'pan' })],
  ])('pushes the picture about with %s', (_, more, prepare) => {
    prepare()
    drag([[50, 50], [70, 40]], more)
    expect([view.view.x, view.view.y, painted()]).toEqual([20, -10, 0])
  })

  it('paints the same pixels at any zoom', () => {
    drag([[50.5, 50.5], [150.5, 90.5]])
    const expected = doc.mask.slice()
    doc.undo()
    view.view = { scale: 4, x: -130, y: 77 }
    drag([[50.5, 50.5], [150.5, 90.5]].map(([x, y]) => [x * 4 - 130, y * 4 + 77]))
    expect(Buffer.from(doc.mask).equals(Buffer.from(expected))).toBe(true)
  })

  it('follows what came between two events', () => {
    gestures.down(event(50, 50))
    gestures.move(event(150, 50, { getCoalescedEvents: () => [event(100, 120), event(150, 50)] }))
    gestures.up(event(150, 50))
    expect([at(100, 120), at(100, 50)]).toEqual([255, 0])
  })
})

describe('fingers', () => {
  const finger = (id, more) => ({ pointerId: id, pointerType: 'touch', ...more })

  it('paint alone', () => {
    drag([[50, 50], [90, 50]], finger(1))
    expect(at(70, 50)).toBe(255)
  })

  it('zoom and push in twos, and the first one has painted nothing', () => {
    gestures.down(event(100, 100, finger(1)))
    gestures.move(event(104, 100, finger(1)))
    expect(painted()).toBeGreaterThan(0)
    gestures.down(event(200, 100, finger(2, { timeStamp: 100 })))
    gestures.move(event(300, 100, finger(2, { timeStamp: 120 })))
    expect(view.view.scale).toBeCloseTo(196 / 96)
    gestures.up(event(300, 100, finger(2)))
    gestures.move(event(50, 50, finger(1)))
    gestures.up(event(50, 50, finger(1)))
    expect([painted(), doc.state.canUndo]).toEqual([0, false])
  })

  it('leave a finished piece of a stroke when the second one comes late', () => {
    gestures.down(event(100, 100, finger(1)))
    gestures.move(event(180, 100, finger(1)))
    gestures.down(event(300, 300, finger(2, { timeStamp: 2000 })))
    expect([at(140, 100), doc.state.canUndo]).toEqual([255, true])
  })

  it('are dropped when the system takes them', () => {
    gestures.down(event(100, 100, finger(1)))
    gestures.lost(event(100, 100, finger(1)))
    expect([painted(), gestures.isBusy]).toEqual([0, false])
  })
})

describe('a pen', () => {
  const pen = (more) => ({ pointerId: 7, pointerType: 'pen', pressure: 1, ...more })

  it('paints as wide as it is pressed', () => {
    click(50, 50, pen({ pressure: 0.1 }))
    const light = painted()
    doc.undo()
    click(50, 50, pen())
    expect(painted()).toBeGreaterThan(4 * light)
    doc.undo()
    use({ pressure: false })
    click(50, 50, pen({ pressure: 0.1 }))
    expect(painted()).toBeGreaterThan(4 * light)
  })

  it('has an eraser at its other end', () => {
    doc.fillAll(session.brushOf(false))
    click(50, 50, pen({ button: 5, buttons: 32 }))
    expect(at(50, 50)).toBe(0)
  })

  it('is not disturbed by the palm beside it', () => {
    gestures.down(event(50, 50, pen()))
    gestures.down(event(200, 200, { pointerId: 2, pointerType: 'touch' }))
    gestures.move(event(100, 50, pen()))
    gestures.move(event(250, 250, { pointerId: 2, pointerType: 'touch' }))
    gestures.up(event(250, 250, { pointerId: 2, pointerType: 'touch' }))
    gestures.up(event(100, 50, pen()))
    expect([at(75, 50), at(200, 200), view.view]).toEqual([255, 0, { scale: 1, x: 0, y: 0 }])
  })

  it('makes nothing of the palm that came first', () => {
    gestures.down(event(200, 200, { pointerId: 2, pointerType: 'touch' }))
    gestures.down(event(50, 50, pen({ timeStamp: 50 })))
    gestures.up(event(50, 50, pen()))
    expect([at(50, 50), at(200, 200), onPen.mock.calls.length]).toEqual([255, 0, 1])
  })

  it('leaves fingers to push the picture about, where that is wished', () => {
    use({ fingers: false })
    drag([[50, 50], [80, 50]], { pointerType: 'touch' })
    expect(at(60, 50)).toBe(255) // No pen has been seen: there is nothing else to paint with.
    use({ pen: true })
    drag([[200, 200], [230, 200]], { pointerType: 'touch' })
    expect([view.view.x, at(210, 200)]).toEqual([30, 0])
  })
})

describe('the lasso', () => {
  beforeEach(() => use({ tool: 'lasso' }))

  it('fills what it was led around', () => {
    drag([[50, 50], [150, 50], [150, 150], [50, 150]])
    expect([at(100, 100), at(50, 50), at(149, 149), at(160, 100)]).toEqual([255, 255, 255, 0])
    expect(painted()).toBe(100 * 100)
  })

  it('fills corner by corner, closed at the first one', () => {
    for (const [x, y] of [[50, 50], [150, 50], [150, 150], [50, 150]]) click(x, y)
    expect([painted(), session.tool.isPending]).toEqual([0, true])
    click(53, 52)
    expect([painted(), session.tool.isPending]).toEqual([100 * 100, false])
  })

  it('closes by a double click, and takes away with a modifier', () => {
    doc.fillAll(session.brushOf(false))
    click(50, 50, { altKey: true })
    for (const [x, y] of [[150, 50], [150, 150], [50, 150]]) click(x, y)
    click(50, 150, { detail: 2 })
    expect([at(100, 100), at(200, 200)]).toEqual([0, 255])
  })

  it('is dropped with another tool', () => {
    click(50, 50)
    use({ tool: 'brush' })
    expect([session.guide, painted()]).toEqual([null, 0])
  })
})

describe('other tools', () => {
  it('fill a rectangle of whole pixels', () => {
    use({ tool: 'rectangle' })
    drag([[50.2, 60.9], [149.7, 99.1]])
    expect(painted()).toBe(100 * 40)
    expect([at(50, 60), at(149, 99), at(150, 99)]).toEqual([255, 255, 0])
  })

  it('pick a colour and paint nothing', () => {
    use({ mode: 'sketch', tool: 'picker' })
    click(33, 44)
    expect(onPick).toHaveBeenLastCalledWith(expect.objectContaining({ x: 33, y: 44 }))
    expect(doc.state.canUndo).toBe(false)
  })
})

describe('the keyboard', () => {
  it('paints from the middle of what is seen, in steps of the screen', () => {
    expect(session.steer('a')).toBe(false)
    session.press({ erase: false })
    session.release()
    expect([at(200, 200), at(211, 200)]).toEqual([255, 0])
    session.steer('ArrowRight')
    expect(session.cursor).toEqual({ x: 210.5, y: 200.5 })
    session.steer('ArrowUp', { shift: true })
    session.steer('ArrowLeft', { alt: true })
    expect(session.cursor).toEqual({ x: 209.5, y: 150.5 })
  })

  it('draws a line while Space is held, as one step', () => {
    session.press({ erase: false })
    for (let step = 0; step < 5; step += 1) session.steer('ArrowRight')
    session.press({ erase: false })
    session.release()
    expect([at(225, 200), at(250, 200)]).toEqual([255, 255])
    doc.undo()
    expect(painted()).toBe(0)
  })

  it('puts the brush down with Enter, and up with the next one', () => {
    expect(session.confirm({ erase: false })).toBe('penDown')
    session.steer('ArrowDown', { shift: true })
    session.release()
    expect(session.tool.isPending).toBe(true)
    expect(session.confirm({ erase: false })).toBe('penUp')
    session.steer('ArrowDown', { shift: true })
    expect([at(200, 230), at(200, 280)]).toEqual([255, 0])
  })

  it('sets corners with Space and fills with Enter', () => {
    use({ tool: 'lasso' })
    expect(session.press({ erase: false })).toBe('corner')
    expect(session.confirm({ erase: false })).toBe('tooFew')
    for (const key of ['ArrowRight', 'ArrowDown', 'ArrowLeft']) {
      session.steer(key, { shift: true })
      session.press({ erase: false })
    }
    session.confirm({ erase: false })
    expect(painted()).toBe(50 * 50)
  })

  it('sets two corners of a rectangle', () => {
    use({ tool: 'rectangle' })
    session.press({ erase: false })
    session.steer('ArrowRight')
    session.steer('ArrowDown')
    session.press({ erase: false })
    expect(painted()).toBe(11 * 11)
  })

  it('stays on the picture and in sight', () => {
    view.view = { scale: 8, x: 0, y: 0 }
    for (let step = 0; step < 80; step += 1) session.steer('ArrowRight', { shift: true })
    expect(session.cursor.x).toBe(399.5)
    const x = session.cursor.x * view.view.scale + view.view.x
    expect(x).toBeGreaterThan(0)
    expect(x).toBeLessThan(400)
  })

  it('pushes the picture about with the hand', () => {
    use({ tool: 'pan' })
    session.steer('ArrowRight')
    session.steer('ArrowDown', { shift: true })
    expect([view.view.x, view.view.y, session.cursor]).toEqual([-40, -200, null])
  })

  it('takes back what a tool has begun', () => {
    expect(session.cancel()).toBe(false)
    session.press({ erase: false })
    expect([session.cancel(), painted()]).toEqual([true, 0])
  })
})
