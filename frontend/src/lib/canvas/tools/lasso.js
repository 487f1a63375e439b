/** Farther than this is dragged, not clicked, in screen pixels. */
const DRAG_PX = 5
/** This near to its first corner a line is closed. */
const CLOSE_PX = 12
const LEAST_CORNERS = 3

const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y)

/** Fills what a line encloses: drawn freely, or corner by corner with clicks. */
export class Lasso {
  #path = []
  #erase = false
  #isDrawn = false
  #start = null

  constructor(session) {
    this.session = session
  }

  get isPending() {
    return this.#path.length > 0
  }

  #far(pixels) {
    return pixels / this.session.view.view.scale
  }

  #show(loose) {
    this.session.setGuide({ path: loose ? [...this.#path, loose] : this.#path, erase: this.#erase })
  }

  down(point, { erase, again = false }) {
    if (this.#path.length === 0) this.#erase = erase
    const isClosed = this.#path.length >= LEAST_CORNERS && (again || distance(point, this.#path[0]) <= this.#far(CLOSE_PX))
    if (isClosed) {
      this.close()
      return
    }
    this.#start = { point, isFirst: this.#path.length === 0 }
    this.#isDrawn = false
    this.#path.push(point)
    this.#show()
  }

  move(points) {
    if (!this.#start) return
    this.#isDrawn ||= points.some((point) => distance(point, this.#start.point) > this.#far(DRAG_PX))
    if (!this.#isDrawn) return
    this.#path.push(...points)
    this.#show()
  }

  up() {
    const isFree = this.#start?.isFirst && this.#isDrawn
    this.#start = null
    if (isFree) this.close()
  }

  hover(point) {
    if (this.#path.length > 0) this.#show(point)
  }

  steer(point) {
    this.hover(point)
  }

  press(point, how) {
    this.down(point, how)
    this.#start = null
    return this.isPending ? 'corner' : undefined
  }

  release() {}

  confirm() {
    if (this.#path.length >= LEAST_CORNERS) this.close()
    else return 'tooFew'
    return undefined
  }

  close() {
    const path = this.#path
    this.cancel()
    if (path.length >= LEAST_CORNERS) this.session.doc.fillPolygon(path, this.session.brushOf(this.#erase))
  }

  cancel() {
    this.#path = []
    this.#start = null
    this.session.setGuide(null)
  }
}
