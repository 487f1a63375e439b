/** A second finger this soon after the first means two fingers, not a stroke and one more. */
const SECOND_FINGER_MS = 350
const MIDDLE_BUTTON = 1
const RIGHT_BUTTON = 2
const PEN_ERASER = 32

/** The eraser's end of a pen, the right button, or Alt or Ctrl held. */
function erases({ button, buttons, altKey, ctrlKey, metaKey }) {
  return button === RIGHT_BUTTON || (buttons & PEN_ERASER) !== 0 || altKey || ctrlKey || metaKey
}

/**
 * Makes strokes, pans and pinches of pointers: mouse, fingers and pens.
 *
 * Where a pen has been used, fingers only push the picture about if that is wished, and a palm that lies there while it draws is nothing.
 */
export class Gestures {
  #pointers = new Map()
  #mode = null
  #owner = null
  #startedAt = 0
  #hasMet = false
  isSpaceHeld = false

  locate = ({ clientX, clientY }) => ({ x: clientX, y: clientY })
  onPen = () => {}

  constructor(session) {
    this.session = session
  }

  /** `locate(event)` tells where on the stage an event is; `onPen()` is told of the first pen. */
  attach(listeners) {
    Object.assign(this, listeners)
  }

  /** While Space is held the picture is pushed about. */
  holdSpace(isHeld) {
    this.isSpaceHeld = isHeld
  }

  get isBusy() {
    return this.#mode !== null
  }

  /** Whether the pointer went down to push the picture about. */
  #pans(event) {
    if (event.button === MIDDLE_BUTTON || this.isSpaceHeld || this.session.settings.tool === 'pan') return true
    const { pen, fingers } = this.session.settings
    return event.pointerType === 'touch' && pen && !fingers
  }

  #meetPen({ pointerType }) {
    if (pointerType !== 'pen' || this.#hasMet) return
    this.#hasMet = true
    if (!this.session.settings.pen) this.onPen()
  }

  #points(event) {
    const events = event.getCoalescedEvents?.() ?? []
    return (events.length > 0 ? events : [event]).map((one) => this.#point(one))
  }

  #point(event) {
    const pressure = event.pointerType === 'pen' && event.pressure > 0 ? event.pressure : 1
    return this.session.pointAt({ ...this.locate(event), pressure })
  }

  down(event) {
    this.#meetPen(event)
    const isTouch = event.pointerType === 'touch'
    if (isTouch && this.#owner?.type === 'pen') return // A palm.
    if (!isTouch && this.#owner?.type === 'touch') this.#drop() // The pen comes after the palm.
    this.#pointers.set(event.pointerId, { at: this.locate(event), type: event.pointerType })
    if (isTouch && this.#pointers.size > 1) this.#pinch(event)
    else if (this.#mode === null) this.#begin(event)
  }

  #begin(event) {
    this.#owner = { id: event.pointerId, type: event.pointerType }
    this.#startedAt = event.timeStamp
    this.#mode = this.#pans(event) ? 'pan' : 'draw'
    if (this.#mode === 'pan') return
    this.session.hover(this.locate(event))
    this.session.tool.down(this.#point(event), { erase: erases(event), straight: event.shiftKey, again: event.detail > 1 })
  }

  #pinch(event) {
    const isQuick = event.timeStamp - this.#startedAt < SECOND_FINGER_MS
    if (this.#mode === 'draw' && isQuick) this.session.cancel()
    else if (this.#mode === 'draw') this.session.tool.up(this.#point(event))
    this.#mode = 'pinch'
  }

  /** Forgets what is under way, as if it had never been. */
  #drop() {
    if (this.#mode === 'draw') this.session.cancel()
    this.#pointers.clear()
    this.#mode = null
    this.#owner = null
  }

  move(event) {
    const pointer = this.#pointers.get(event.pointerId)
    if (!pointer) {
      if (this.#mode === null && event.pointerType !== 'touch') this.session.hover(this.locate(event))
      return
    }
    const before = new Map([...this.#pointers].map(([id, { at }]) => [id, at]))
    pointer.at = this.locate(event)
    if (this.#mode === 'pinch') this.#movePinch(before)
    else if (event.pointerId === this.#owner?.id) this.#moveOne(event, before.get(event.pointerId), pointer.at)
  }

  #movePinch(before) {
    const ids = [...this.#pointers.keys()].slice(0, 2)
    if (ids.length < 2) return
    this.session.view.pinch(ids.map((id) => before.get(id)), ids.map((id) => this.#pointers.get(id).at))
  }

  #moveOne(event, from, to) {
    if (this.#mode === 'pan') {
      this.session.view.pan(to.x - from.x, to.y - from.y)
      return
    }
    this.session.hover(to)
    this.session.tool.move(this.#points(event))
  }

  up(event) {
    if (!this.#pointers.delete(event.pointerId)) return
    if (this.#mode === 'draw' && event.pointerId === this.#owner?.id) this.session.tool.up(this.#point(event))
    if (this.#mode !== 'pinch' || this.#pointers.size === 0) this.#mode = null
    if (this.#mode === null) this.#owner = null
    if (event.pointerType === 'touch') this.session.leave()
  }

  /** The system has taken the pointer for something else. */
  lost(event) {
    if (this.#pointers.has(event.pointerId)) this.#drop()
  }
}
