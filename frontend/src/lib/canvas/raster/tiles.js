export const TILE_PX = 128

/** What a part of a picture had in it before it was painted on, by tiles: only those that were touched are copied. */
export class Snapshot {
  #tiles = new Map()

  /** `layer` has `width` × `height` values, one a pixel. */
  constructor(layer, { width, height }) {
    this.layer = layer
    this.width = width
    this.height = height
    this.columns = Math.ceil(width / TILE_PX)
  }

  /** The tiles under a rectangle `{left, top, right, bottom}`, copied before the first touch. */
  touch({ left, top, right, bottom }) {
    const touched = []
    const last = { column: Math.ceil(Math.min(right, this.width) / TILE_PX), row: Math.ceil(Math.min(bottom, this.height) / TILE_PX) }
    for (let row = Math.max(0, Math.floor(top / TILE_PX)); row < last.row; row += 1) {
      for (let column = Math.max(0, Math.floor(left / TILE_PX)); column < last.column; column += 1) {
        touched.push(this.#tileAt(column, row))
      }
    }
    return touched
  }

  #tileAt(column, row) {
    const key = row * this.columns + column
    if (!this.#tiles.has(key)) this.#tiles.set(key, this.#copy(column * TILE_PX, row * TILE_PX))
    return this.#tiles.get(key)
  }

  #copy(x, y) {
    const tile = { x, y, width: Math.min(TILE_PX, this.width - x), height: Math.min(TILE_PX, this.height - y) }
    tile.before = new this.layer.constructor(tile.width * tile.height)
    eachRow(tile, this.width, (from, to, inTile) => tile.before.set(this.layer.subarray(from, to), inTile))
    return tile
  }

  get tiles() {
    return [...this.#tiles.values()]
  }

  /** Puts everything back. */
  restore() {
    for (const tile of this.#tiles.values()) {
      eachRow(tile, this.width, (from, to, inTile) => this.layer.set(tile.before.subarray(inTile, inTile + tile.width), from))
    }
  }
}

/** Calls `visit(from, to, inTile)` for each row of a tile: where it lies in the layer, and in the tile. */
export function eachRow({ x, y, width, height }, layerWidth, visit) {
  for (let row = 0; row < height; row += 1) {
    const from = (y + row) * layerWidth + x
    visit(from, from + width, row * width)
  }
}
