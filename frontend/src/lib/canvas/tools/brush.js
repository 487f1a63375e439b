/** Paints or takes away where it goes. */
export class Brush {
  #stroke = null
  #isDown = false

  constructor(session) {
    this.session = session
  }

  get isPending() {
    return this.#stroke !== null
  }

  /** With `straight` the line comes from where the last stroke ended. */
  down(point, { erase, straight = false }) {
    const { session } = this
    this.#stroke = session.doc.begin(session.brushOf(erase))
    if (straight && session.lastPoint) this.#stroke.to(session.lastPoint)
    this.move([point])
  }

  move(points) {
    for (const point of points) {
      this.#stroke?.to(point)
      this.session.lastPoint = point
    }
  }

  up() {
    if (this.#stroke) this.session.doc.end()
    this.#stroke = null
    this.#isDown = false
  }

  cancel() {
    if (this.#stroke) this.session.doc.cancel()
    this.#stroke = null
    this.#isDown = false
  }

  /** Space: a dab, and a line for as long as the key is held. */
  press(point, how) {
    if (!this.#stroke) this.down(point, how)
  }

  release() {
    if (!this.#isDown) this.up()
  }

  /** The keyboard's cursor moves: a brush that is down paints. */
  steer(point) {
    this.move([point])
  }

  /** Enter: puts the brush down until the next Enter. */
  confirm(point, how) {
    if (this.#stroke) {
      this.up()
      return 'penUp'
    }
    this.down(point, how)
    this.#isDown = true
    return 'penDown'
  }
}
