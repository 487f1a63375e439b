import Konva from 'konva/lib/Core'
import { Circle } from 'konva/lib/shapes/Circle'
import { Image as Picture } from 'konva/lib/shapes/Image'
import { Line } from 'konva/lib/shapes/Line'
import { Rect } from 'konva/lib/shapes/Rect'

import { copySketch, Surface, tintMask } from './surface.js'

/** From this scale on, pixels are shown as they are. */
const CRISP_SCALE = 3
const LIGHT = '#ffffff'
const DARK = '#000000'

const still = { listening: false, perfectDrawEnabled: false }
const hairline = { ...still, strokeScaleEnabled: false, visible: false }

/** A line that is seen on every picture: white on a wider black one. */
function twice(Shape, attributes = {}) {
  const pair = [
    new Shape({ ...hairline, ...attributes, stroke: DARK, strokeWidth: 3, opacity: 0.65 }),
    new Shape({ ...hairline, ...attributes, stroke: LIGHT, strokeWidth: 1.25 }),
  ]
  const set = (next) => pair.forEach((shape) => shape.setAttrs({ visible: next !== null, ...next }))
  return { pair, set }
}

const CROSS_PX = 12

/** The layers of an editor, each a canvas of its own: what is under a stroke is not drawn anew for it. */
export class Scene {
  #surfaces = {}

  /** `soft` is the document's SoftMask: what is shown of the mask is what will be drawn. */
  constructor(container, { doc, soft }) {
    this.doc = doc
    this.soft = soft
    this.stage = new Konva.Stage({ container, width: 1, height: 1, listening: false })
    this.layers = Object.fromEntries(
      ['picture', 'sketch', 'mask', 'guides'].map((name) => [name, new Konva.Layer({ listening: false })]),
    )
    this.stage.add(...Object.values(this.layers))
    this.growth = new Rect({ ...still, opacity: 0.16 })
    this.border = new Rect({ ...hairline, dash: [8, 6], strokeWidth: 1.5 })
    this.layers.picture.add(this.growth)
    this.layers.guides.add(this.border)
    this.tint = LIGHT
    this.#addGuides()
    this.#addSurface('mask', (rect, target) => tintMask(soft.values, doc.size.width, rect, this.tint, target))
    if (doc.sketch) this.#needSketch()
    this.unsubscribe = doc.onPaint((layer, rect) => this.#painted(layer, layer === 'mask' ? soft.reachOf(rect) : rect))
  }

  #addGuides() {
    this.ring = twice(Circle)
    this.path = twice(Line, { lineJoin: 'round' })
    this.rect = twice(Rect)
    this.cross = [twice(Line), twice(Line)]
    for (const { pair } of [this.path, this.rect, this.ring, ...this.cross]) this.layers.guides.add(...pair)
  }

  #addSurface(name, write) {
    const surface = new Surface(this.doc.size, write)
    this.#surfaces[name] = surface
    this.layers[name].add(new Picture({ ...still, image: surface.canvas, ...this.doc.size }))
    this.layers[name].on('beforeDraw', () => surface.flush())
    this.#painted(name, this.doc.whole)
  }

  #needSketch() {
    const { doc } = this
    this.#addSurface('sketch', (rect, target) => copySketch(doc.sketch, doc.size.width, rect, target))
  }

  #painted(name, rect) {
    if (!this.#surfaces[name]) {
      this.#needSketch()
      return
    }
    this.#surfaces[name].touch(rect)
    this.layers[name].batchDraw()
  }

  /** What is transparent is white, as it is to the model. */
  setPicture(image) {
    this.layers.picture.add(new Rect({ ...still, fill: LIGHT, ...this.doc.size }))
    this.layers.picture.add(new Picture({ ...still, image, ...this.doc.size }))
  }

  resize({ width, height }) {
    this.stage.size({ width, height })
  }

  setView({ scale, x, y }) {
    this.stage.setAttrs({ scaleX: scale, scaleY: scale, x, y })
    for (const layer of Object.values(this.layers)) layer.imageSmoothingEnabled(scale < CRISP_SCALE)
    this.stage.batchDraw()
  }

  /** `{maskColour, maskOpacity, outpaint}`: how the mask is seen, and what grows around the picture. */
  setLook({ maskColour, maskOpacity, outpaint }) {
    const isOther = maskColour !== this.tint || this.soft.version !== this.softVersion
    this.tint = maskColour
    this.softVersion = this.soft.version
    if (isOther) this.#painted('mask', this.doc.whole)
    this.layers.mask.getNativeCanvasElement().style.opacity = String(maskOpacity)
    const { top, right, bottom, left } = outpaint
    const { width, height } = this.doc.size
    const accent = getComputedStyle(this.stage.container()).getPropertyValue('--zi-accent') || LIGHT
    const grown = { x: -left, y: -top, width: width + left + right, height: height + top + bottom }
    this.growth.setAttrs({ ...grown, fill: accent })
    this.border.setAttrs({ ...grown, stroke: accent, visible: top + right + bottom + left > 0 })
    this.layers.guides.batchDraw()
    this.layers.picture.batchDraw()
  }

  /** Lines over the picture: `{path, rect, ring, cursor, erase}`. */
  setGuides({ path = null, rect = null, ring = null, cursor = null, erase = false }) {
    const dash = erase ? [4, 4] : []
    this.ring.set(ring && { ...ring, dash })
    this.path.set(path && { points: path.flatMap(({ x, y }) => [x, y]), dash })
    this.rect.set(rect && { x: rect.left, y: rect.top, width: rect.right - rect.left, height: rect.bottom - rect.top, dash })
    const arm = CROSS_PX / this.stage.scaleX()
    this.cross[0].set(cursor && { points: [cursor.x - arm, cursor.y, cursor.x + arm, cursor.y] })
    this.cross[1].set(cursor && { points: [cursor.x, cursor.y - arm, cursor.x, cursor.y + arm] })
    this.layers.guides.batchDraw()
  }

  destroy() {
    this.unsubscribe()
    this.stage.destroy()
  }
}
