import { maskErase, maskPaint, sketchErase, sketchPaint } from './raster/blend.js'
import { reachOf, softDab } from './raster/dab.js'
import { brushSpans } from './raster/spans.js'
import { Snapshot } from './raster/tiles.js'

const FULL = 255
const HARD = 1
const FULL_STRENGTH = 1
/** Longer ways are walked in pieces: a slanted one has much around it that it does not touch. */
const LONGEST_PX = 128

/** The points at which a way is cut, its end the last of them. */
function piecesOf(from, to) {
  const count = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / LONGEST_PX))
  const between = (name, share) => from[name] + share * (to[name] - from[name])
  return Array.from({ length: count }, (_, index) => {
    const share = (index + 1) / count
    return share === 1 ? to : { x: between('x', share), y: between('y', share), radius: between('radius', share) }
  })
}

/** What a brush does to a pixel that it covers in part: `(before, coverage) => after`. */
export function blendOf({ layer, erase, colour }) {
  if (layer === 'mask') return erase ? maskErase : maskPaint
  return erase ? sketchErase : sketchPaint(colour)
}

/**
 * One stroke of a brush, painted as it comes.
 *
 * A hard brush on the mask knows only black and white; everything else has a soft edge of a pixel at least.
 */
export class Stroke {
  #last = null

  /** `brush` is `{layer, erase, colour, hardness, strength}`, the last of which is 1 unless it paints in part; `onPaint(rect)` is told what has changed. */
  constructor(pixels, size, brush, onPaint) {
    this.pixels = pixels
    this.size = size
    this.brush = { strength: FULL_STRENGTH, ...brush }
    this.blend = blendOf(brush)
    this.snapshot = new Snapshot(pixels, size)
    this.onPaint = onPaint
  }

  /** Leads the brush on to a point `{x, y, radius}` of the picture, whose pixels' middles are at halves. */
  to(point) {
    for (const piece of piecesOf(this.#last ?? point, point)) {
      this.#lay(this.#last ?? point, piece)
      this.#last = piece
    }
  }

  #lay(from, point) {
    const reach = reachOf(from, point)
    const tiles = this.snapshot.touch(reach)
    if (tiles.length === 0) return
    if (this.#isHard) this.#hard(from, point)
    else for (const tile of tiles) this.#soft(tile, from, point)
    this.onPaint(reach)
  }

  get #isHard() {
    const { layer, hardness, strength } = this.brush
    return layer === 'mask' && hardness >= HARD && strength >= FULL_STRENGTH
  }

  #hard(a, b) {
    const value = this.brush.erase ? 0 : FULL
    brushSpans(a, b, this.size, (y, start, end) => {
      this.pixels.fill(value, y * this.size.width + start, y * this.size.width + end)
    })
  }

  #soft(tile, a, b) {
    softDab(tile, this.pixels, this.size.width, { a, b, hardness: this.brush.hardness, strength: this.brush.strength, blend: this.blend })
  }
}
