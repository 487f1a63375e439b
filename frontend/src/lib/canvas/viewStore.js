import { boundsOf, centred, clampView, fitView, leastScale, pinch, reveal, zoomAbout, ZOOM_STEP } from './view.js'

/** How a picture is looked at: holds the view and the stage's size, and tells those who `subscribe`. */
export class ViewStore {
  #listeners = new Set()
  #fitted = true

  constructor(size, outpaint) {
    this.size = size
    this.bounds = boundsOf(size, outpaint)
    this.stage = { width: 1, height: 1 }
    this.view = fitView(this.stage, this.bounds)
  }

  subscribe = (listener) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  getView = () => this.view

  #show(view) {
    this.view = clampView(view, this.stage, this.bounds)
    for (const listener of this.#listeners) listener()
  }

  /** The stage has another size: what was fitted is fitted again, else the middle stays. */
  resize(stage) {
    if (stage.width === 0 || stage.height === 0) return
    const [dx, dy] = [(stage.width - this.stage.width) / 2, (stage.height - this.stage.height) / 2]
    this.stage = stage
    if (this.#fitted) this.fit()
    else this.#show({ ...this.view, x: this.view.x + dx, y: this.view.y + dy })
  }

  setOutpaint(outpaint) {
    this.bounds = boundsOf(this.size, outpaint)
    if (this.#fitted) this.fit()
  }

  fit = () => {
    this.#fitted = true
    this.#show(fitView(this.stage, this.bounds))
  }

  /** One pixel of the picture is one of the screen. */
  actual = () => {
    this.#fitted = false
    const middle = this.middle
    this.#show(zoomAbout(this.view, 1 / this.view.scale, middle, 1))
    if (this.bounds.width < this.stage.width && this.bounds.height < this.stage.height) this.#show(centred(this.stage, this.bounds, 1))
  }

  get middle() {
    return { x: this.stage.width / 2, y: this.stage.height / 2 }
  }

  zoom(factor, point = this.middle) {
    this.#fitted = false
    this.#show(zoomAbout(this.view, factor, point, leastScale(this.stage, this.bounds)))
  }

  zoomIn = () => this.zoom(ZOOM_STEP)
  zoomOut = () => this.zoom(1 / ZOOM_STEP)

  pan(dx, dy) {
    this.#fitted = false
    this.#show({ ...this.view, x: this.view.x + dx, y: this.view.y + dy })
  }

  pinch(before, after) {
    this.#fitted = false
    this.#show(pinch(this.view, before, after, leastScale(this.stage, this.bounds)))
  }

  /** Brings a point of the picture into sight. */
  reveal(point) {
    const view = reveal(this.view, this.stage, point)
    if (view.x === this.view.x && view.y === this.view.y) return
    this.#fitted = false
    this.#show(view)
  }
}
