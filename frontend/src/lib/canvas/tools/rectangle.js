import { rectangleOf } from '../raster/spans.js'

/** Fills a rectangle of whole pixels. */
export class Rectangle {
  #from = null
  #erase = false

  constructor(session) {
    this.session = session
  }

  get isPending() {
    return this.#from !== null
  }

  #rectTo(point) {
    return rectangleOf(this.#from, point, this.session.doc.size)
  }

  down(point, { erase }) {
    this.#from = point
    this.#erase = erase
    this.hover(point)
  }

  move(points) {
    this.hover(points.at(-1))
  }

  hover(point) {
    if (this.#from) this.session.setGuide({ rect: this.#rectTo(point), erase: this.#erase })
  }

  steer(point) {
    this.hover(point)
  }

  up(point) {
    if (!this.#from) return
    const rect = this.#rectTo(point)
    this.cancel()
    if (rect.right > rect.left && rect.bottom > rect.top) this.session.doc.fillRectangle(rect, this.session.brushOf(this.#erase))
  }

  press(point, how) {
    if (this.#from) this.up(point)
    else this.down(point, how)
    return this.#from ? 'corner' : undefined
  }

  release() {}

  confirm(point, how) {
    return this.press(point, how)
  }

  cancel() {
    this.#from = null
    this.session.setGuide(null)
  }
}
