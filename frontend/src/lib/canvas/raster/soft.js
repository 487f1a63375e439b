import { clip, union } from '../surface.js'
import { featherReach, softenRect } from './feather.js'
import { NONE, paste } from './parts.js'
import { shareOf } from './measure.js'

const SIDES = Object.keys(NONE)

/** What of the sides that grow is near enough to the picture to change it. */
function nearby(outpaint, reach) {
  return Object.fromEntries(SIDES.map((side) => [side, Math.min(outpaint[side], 2 * reach)]))
}

/** A document's mask with its soft edge, as it will be drawn: kept, and made anew only where the mask has changed. */
export class SoftMask {
  #doc
  #values = null
  #dirty = null
  #feather = 0
  #outpaint = NONE
  #share = null
  /** Another one whenever the edge has become another one. */
  version = 0

  constructor(doc) {
    this.#doc = doc
    doc.onPaint((layer, rect) => layer === 'mask' && this.#touch(rect))
  }

  #touch(rect) {
    this.#share = null
    this.#dirty = union(this.#dirty, this.reachOf(rect))
  }

  /** The rectangle whose soft edge changes with the mask in another one. */
  reachOf({ left, top, right, bottom }) {
    const reach = featherReach(this.#feather)
    return { left: left - reach, top: top - reach, right: right + reach, bottom: bottom + reach }
  }

  /** Takes how wide the edge is, and what grows around the picture. */
  set({ feather, outpaint }) {
    const near = nearby(outpaint, featherReach(feather))
    if (feather === this.#feather && SIDES.every((side) => near[side] === this.#outpaint[side])) return
    this.#feather = feather
    this.#outpaint = near
    this.version += 1
    this.#touch(this.#doc.whole)
  }

  /** The greys of all pixels. */
  get values() {
    const { mask, size } = this.#doc
    if (featherReach(this.#feather) === 0) return mask
    this.#values ??= new Uint8Array(mask.length)
    const rect = this.#dirty && clip(this.#dirty, size)
    this.#dirty = null
    if (rect) {
      const soft = softenRect(mask, size, rect, { feather: this.#feather, outpaint: this.#outpaint })
      paste(soft, rect, this.#values, this.#doc.whole)
    }
    return this.#values
  }

  /** The share of the picture that is drawn anew, 0 to 1. */
  get share() {
    this.#share ??= shareOf(this.values)
    return this.#share
  }
}
