import { applyPatch, patchBytes, patchesOf } from './patches.js'
import { History } from './history.js'
import { fromHex, toPixel } from './raster/blend.js'
import { grow, growWhite } from './raster/blur.js'
import { isLoose, isPainted, shareOf, whereSketched } from './raster/measure.js'
import { polygonSpans } from './raster/spans.js'
import { Snapshot } from './raster/tiles.js'
import { Stroke } from './stroke.js'

const FULL = 255
export const NO_OUTPAINT = { top: 0, right: 0, bottom: 0, left: 0 }
const LAYERS = ['mask', 'sketch']

const isSame = (a, b) => Object.keys(a).every((side) => a[side] === b[side])

/**
 * What is painted over a picture: a mask (greys, white is repainted), a sketch (colours, made when first needed) and
 * how far the picture is to grow, with its history.
 *
 * `state` is a new object after each finished change, for those who `subscribe`; `onPaint` hears of pixels at once.
 */
export class CanvasDocument {
  #listeners = new Set()
  #painters = new Set()
  #stroke = null
  #version = 0
  #versions = {}
  #grownFrom = null

  constructor({ width, height }, { mask = null, sketch = null, outpaint = NO_OUTPAINT } = {}, history = new History()) {
    this.size = { width, height }
    this.mask = mask ?? new Uint8Array(width * height)
    this.sketch = sketch
    this.outpaint = outpaint
    this.history = history
    this.#settle(LAYERS)
  }

  subscribe = (listener) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls `painter(layer, rect)` for each change of pixels; returns a function that ends it. */
  onPaint(painter) {
    this.#painters.add(painter)
    return () => this.#painters.delete(painter)
  }

  getState = () => this.state

  /** A number that is another one after each finished change of a layer's pixels. */
  versionOf(layer) {
    return this.#versions[layer]
  }

  /** Whether a stroke or a handle is under way. */
  get isBusy() {
    return this.#stroke !== null || this.#grownFrom !== null
  }

  get whole() {
    return { left: 0, top: 0, right: this.size.width, bottom: this.size.height }
  }

  /** The pixels of a layer; makes the sketch. */
  pixelsOf(layer) {
    if (layer === 'sketch') this.sketch ??= new Uint32Array(this.size.width * this.size.height)
    return this[layer]
  }

  /** Makes the new state; `layers` are those whose pixels have changed. */
  #settle(layers) {
    this.#version += 1
    for (const layer of layers) this.#versions[layer] = this.#version
    this.state = {
      version: this.#version,
      canUndo: this.history.canBack,
      canRedo: this.history.canForth,
      share: layers.includes('mask') ? shareOf(this.mask) : this.state.share,
      isSketchLoose: layers.length > 0 ? isLoose(this.sketch, this.mask) : this.state.isSketchLoose,
      hasSketch: layers.includes('sketch') ? isPainted(this.sketch) : this.state.hasSketch,
      outpaint: this.outpaint,
      isGrowing: this.#grownFrom !== null,
    }
    for (const listener of this.#listeners) listener()
  }

  #painted(layer, rect) {
    for (const painter of this.#painters) painter(layer, rect)
  }

  #commit(step) {
    if (step.patches.length > 0 || step.outpaint) {
      this.history.push({ ...step, bytes: step.patches.reduce((sum, { patches }) => sum + patchBytes(patches), 0) })
    }
    this.#settle(step.patches.map(({ layer }) => layer))
  }

  #commitSnapshot(kind, layer, snapshot) {
    const patches = patchesOf(snapshot)
    this.#commit({ kind, patches: patches.length > 0 ? [{ layer, patches }] : [] })
  }

  /** Begins a stroke; see Stroke. One that was not finished is. */
  begin(brush) {
    this.end()
    this.#stroke = new Stroke(this.pixelsOf(brush.layer), this.size, brush, (rect) => this.#painted(brush.layer, rect))
    return this.#stroke
  }

  end() {
    const stroke = this.#stroke
    this.#stroke = null
    if (stroke) this.#commitSnapshot(stroke.brush.erase ? 'erase' : 'brush', stroke.brush.layer, stroke.snapshot)
  }

  /** Takes the unfinished stroke back as if it had never been. */
  cancel() {
    const stroke = this.#stroke
    this.#stroke = null
    stroke?.snapshot.restore()
    if (stroke) this.#painted(stroke.brush.layer, this.whole)
  }

  #change(kind, layer, rect, paint) {
    this.end()
    const snapshot = new Snapshot(this.pixelsOf(layer), this.size)
    snapshot.touch(rect)
    paint(snapshot.layer)
    this.#commitSnapshot(kind, layer, snapshot)
    this.#painted(layer, rect)
  }

  #valueOf({ layer, erase, colour, strength = 1 }) {
    if (erase) return 0
    const share = Math.round(FULL * strength)
    return layer === 'mask' ? share : toPixel([...fromHex(colour), share])
  }

  /** Fills what a closed line encloses. */
  fillPolygon(points, brush) {
    const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)]
    const rect = { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) }
    const value = this.#valueOf(brush)
    this.#change('lasso', brush.layer, rect, (pixels) =>
      polygonSpans(points, this.size, (y, start, end) => pixels.fill(value, y * this.size.width + start, y * this.size.width + end)),
    )
  }

  /** Fills a rectangle of whole pixels; see rectangleOf. */
  fillRectangle(rect, brush) {
    const value = this.#valueOf(brush)
    this.#change('rectangle', brush.layer, rect, (pixels) => {
      for (let y = rect.top; y < rect.bottom; y += 1) pixels.fill(value, y * this.size.width + rect.left, y * this.size.width + rect.right)
    })
  }

  fillAll(brush) {
    this.#change('fill', brush.layer, this.whole, (pixels) => pixels.fill(this.#valueOf(brush)))
  }

  clear(layer) {
    if (this[layer]) this.#change('clear', layer, this.whole, (pixels) => pixels.fill(0))
  }

  invert() {
    this.#change('invert', 'mask', this.whole, (mask) => {
      for (let at = 0; at < mask.length; at += 1) mask[at] = FULL - mask[at]
    })
  }

  /** Masks what is sketched, and `margin` pixels around it. */
  maskSketch(margin) {
    if (!this.sketch) return
    const painted = growWhite(whereSketched(this.sketch), this.size, margin)
    this.#change('maskSketch', 'mask', this.whole, (mask) => {
      for (let at = 0; at < mask.length; at += 1) if (painted[at] !== 0) mask[at] = FULL
    })
  }

  /** Lets what is masked grow by pixels all around, or shrink where they are below 0; the picture's border holds. */
  reshape(pixels) {
    const isShrinking = pixels < 0
    const flip = (mask) => (isShrinking ? mask.map((grey) => FULL - grey) : mask)
    const grown = flip(grow(flip(this.mask), this.size, Math.abs(pixels)))
    this.#change(isShrinking ? 'shrink' : 'grow', 'mask', this.whole, (mask) => mask.set(grown))
  }

  /** Puts another mask of the picture's size in the place of this one. */
  replaceMask(mask) {
    this.#change('import', 'mask', this.whole, (pixels) => pixels.set(mask))
  }

  /** Shows how far the picture would grow, while a handle is held: setOutpaint makes the step of it. */
  previewOutpaint(outpaint) {
    this.#grownFrom ??= this.outpaint
    this.outpaint = outpaint
    this.#settle([])
  }

  setOutpaint(outpaint) {
    const before = this.#grownFrom ?? this.outpaint
    this.#grownFrom = null
    this.outpaint = outpaint
    this.#commit({ kind: 'outpaint', patches: [], outpaint: isSame(before, outpaint) ? undefined : { before, after: outpaint } })
  }

  /** Throws everything away, as one step. */
  discard() {
    this.end()
    const patches = LAYERS.filter((layer) => this[layer]).flatMap((layer) => {
      const snapshot = new Snapshot(this[layer], this.size)
      snapshot.touch(this.whole)
      this[layer].fill(0)
      const own = patchesOf(snapshot)
      this.#painted(layer, this.whole)
      return own.length > 0 ? [{ layer, patches: own }] : []
    })
    const before = this.outpaint
    this.outpaint = NO_OUTPAINT
    this.#commit({ kind: 'discard', patches, outpaint: isSame(before, NO_OUTPAINT) ? undefined : { before, after: NO_OUTPAINT } })
  }

  /** Takes the last step back; answers what it was, or undefined. */
  undo() {
    this.end()
    return this.#replay(this.history.back(), 'before')
  }

  redo() {
    this.end()
    return this.#replay(this.history.forth(), 'after')
  }

  #replay(step, side) {
    if (!step) return undefined
    for (const { layer, patches } of step.patches) {
      for (const patch of patches) {
        applyPatch(this.pixelsOf(layer), this.size.width, patch)
        this.#painted(layer, { left: patch.x, top: patch.y, right: patch.x + patch.width, bottom: patch.y + patch.height })
      }
    }
    if (step.outpaint) this.outpaint = step.outpaint[side]
    this.#settle(step.patches.map(({ layer }) => layer))
    return step.kind
  }
}
