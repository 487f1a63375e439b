import { packedBytes, packRuns, unpackRuns } from './raster/runs.js'
import { eachRow } from './raster/tiles.js'

/** What the bookkeeping of a patch takes beside its pixels, about. */
const OVERHEAD_BYTES = 160

/** How the tiles of a snapshot differ from the layer now: exclusive ors, which serve both ways. */
export function patchesOf(snapshot) {
  return snapshot.tiles.flatMap((tile) => {
    const difference = tile.before
    let changed = 0
    eachRow(tile, snapshot.width, (from, to, inTile) => {
      for (let at = from, own = inTile; at < to; at += 1, own += 1) {
        difference[own] ^= snapshot.layer[at]
        changed |= difference[own]
      }
    })
    const { x, y, width, height } = tile
    return changed !== 0 ? [{ x, y, width, height, packed: packRuns(difference) }] : []
  })
}

/** Lays a patch over a layer: there if it was not, away if it was. */
export function applyPatch(layer, layerWidth, patch) {
  const difference = unpackRuns(patch.packed, new layer.constructor(patch.width * patch.height))
  eachRow(patch, layerWidth, (from, to, inTile) => {
    for (let at = from, own = inTile; at < to; at += 1, own += 1) layer[at] ^= difference[own]
  })
}

export function patchBytes(patches) {
  return patches.reduce((sum, { packed }) => sum + packedBytes(packed) + OVERHEAD_BYTES, 0)
}
