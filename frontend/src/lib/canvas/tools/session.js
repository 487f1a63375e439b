import { SoftMask } from '../raster/soft.js'
import { toPicture } from '../view.js'
import { Brush } from './brush.js'
import { Lasso } from './lasso.js'
import { Pan, Picker } from './others.js'
import { Rectangle } from './rectangle.js'

/** A pen that is hardly pressed still leaves this share of the brush. */
const LEAST_PRESSURE = 0.15
/** One step of the keyboard's cursor, in screen pixels; with Shift; and with Alt, in the picture's own. */
const KEY_STEP_PX = 10
const KEY_LEAP = 5
/** One step of the hand, in screen pixels. */
const PUSH_PX = 40

const TOOLS = { brush: Brush, eraser: Brush, lasso: Lasso, rectangle: Rectangle, pan: Pan, picker: Picker }
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

/** One opened editor: what is painted on, how it is seen, and the tool in hand. Hears of pointers and keys. */
export class Session {
  #tool = null
  #toolName = null
  lastPoint = null
  guide = null
  ring = null
  cursor = null
  isHovered = false

  onGuide = () => {}
  onPick = () => {}

  constructor({ doc, view, settings }) {
    this.doc = doc
    this.soft = new SoftMask(doc)
    this.view = view
    this.setSettings(settings)
  }

  /** `onGuide()` is told when lines over the picture have changed, `onPick(point)` where a colour is wanted. */
  attach(listeners) {
    Object.assign(this, listeners)
  }

  setSettings(settings) {
    const isOther = this.#toolName !== settings.tool || this.settings?.mode !== settings.mode
    if (isOther) this.#tool?.cancel()
    if (settings.tool === 'pan') this.cursor = null
    this.settings = settings
    if (isOther) this.#tool = new TOOLS[settings.tool](this)
    this.#toolName = settings.tool
    if (isOther && !this.cursor) this.ring = null // It comes back with the pointer.
    if (this.cursor ?? this.ring) this.#ringAt(this.cursor ?? this.ring)
    else this.onGuide()
  }

  get tool() {
    return this.#tool
  }

  get isPainting() {
    return this.#toolName === 'brush' || this.#toolName === 'eraser'
  }

  /** What the tool in hand lays down; see Stroke. */
  brushOf(erase) {
    const { mode, hardness, strength, colour } = this.settings
    return { layer: mode === 'sketch' ? 'sketch' : 'mask', erase: erase || this.#toolName === 'eraser', hardness, strength, colour }
  }

  setGuide(guide) {
    this.guide = guide
    this.onGuide()
  }

  pick(point) {
    this.onPick(point)
  }

  /** A point of the screen as one of the picture, with the brush's radius under that pressure (1 but for pens). */
  pointAt({ x, y, pressure = 1 }) {
    const share = this.settings.pressure ? LEAST_PRESSURE + (1 - LEAST_PRESSURE) * pressure : 1
    return { ...toPicture(this.view.view, { x, y }), radius: (this.settings.size / 2) * share }
  }

  #ringAt(point) {
    this.ring = this.isPainting ? { x: point.x, y: point.y, radius: this.settings.size / 2 } : null
    this.onGuide()
  }

  /** The pointer is over a place: shows the brush there, and the keyboard's cursor no more. */
  hover(at) {
    const point = this.pointAt({ ...at, pressure: 1 })
    this.cursor = null
    this.isHovered = true
    this.#tool.hover?.(point)
    this.#ringAt(point)
  }

  /** The keyboard has come to the stage: shows where it would paint. */
  showCursor() {
    if (this.#toolName !== 'pan') this.#ringAt(this.#point())
  }

  /** The pointer has gone. */
  leave() {
    this.isHovered = false
    this.ring = null
    this.onGuide()
  }

  /** Takes back what the tool has only begun; answers whether there was anything. */
  cancel() {
    const wasPending = this.#tool.isPending
    if (wasPending) this.#tool.cancel()
    return wasPending
  }

  /** The keyboard's cursor as a point to paint at; it stands on a pixel's middle, first in the middle of what is seen. */
  #point() {
    this.cursor ??= this.#snap(toPicture(this.view.view, this.view.middle))
    return { ...this.cursor, radius: this.settings.size / 2 }
  }

  #snap({ x, y }) {
    const { width, height } = this.doc.size
    const within = (value, most) => Math.min(most - 1, Math.max(0, Math.floor(value))) + 0.5
    return { x: within(x, width), y: within(y, height) }
  }

  /** Moves the cursor by an arrow, or with the hand what is seen; answers whether the key was one. */
  steer(key, { shift = false, alt = false } = {}) {
    const arrow = ARROWS[key]
    if (!arrow) return false
    if (this.#toolName === 'pan') {
      const push = PUSH_PX * (shift ? KEY_LEAP : 1)
      this.view.pan(-arrow[0] * push, -arrow[1] * push)
      return true
    }
    const step = alt ? 1 : Math.max(1, Math.round((KEY_STEP_PX * (shift ? KEY_LEAP : 1)) / this.view.view.scale))
    const from = this.cursor ?? this.#point()
    this.cursor = this.#snap({ x: from.x + arrow[0] * step, y: from.y + arrow[1] * step })
    this.view.reveal(this.cursor)
    this.#tool.steer(this.#point())
    this.#ringAt(this.cursor)
    return true
  }

  /** Space at the cursor. Answers the name of what it did, where the picture does not show it. */
  press(how) {
    const point = this.#point()
    this.#ringAt(point)
    return this.#tool.press(point, how)
  }

  release() {
    this.#tool.release()
  }

  /** Enter at the cursor. */
  confirm(how) {
    const point = this.#point()
    this.#ringAt(point)
    return this.#tool.confirm(point, how)
  }
}
