const FULL = 255

/**
 * How much of a pixel a soft brush covers, 0 to 255, by the distance of its middle from the brush's.
 *
 * `hardness` 0 to 1 is the share of the radius that is covered in full; the edge is at least a pixel wide.
 */
export function coverageAt(distance, radius, hardness) {
  const ramp = Math.max(1, radius * (1 - hardness))
  const share = (radius + 0.5 - distance) / ramp
  return Math.round(FULL * Math.min(1, Math.max(0, share)))
}

/** The rectangle that a way of the brush can touch, its soft edge included. */
export function reachOf(a, b) {
  return {
    left: Math.floor(Math.min(a.x - a.radius, b.x - b.radius)) - 1,
    top: Math.floor(Math.min(a.y - a.radius, b.y - b.radius)) - 1,
    right: Math.ceil(Math.max(a.x + a.radius, b.x + b.radius)) + 1,
    bottom: Math.ceil(Math.max(a.y + a.radius, b.y + b.radius)) + 1,
  }
}

/** The part of a tile that lies in a rectangle, in the tile's own columns and rows. */
function partOf(tile, { left, top, right, bottom }) {
  return {
    first: Math.max(0, left - tile.x),
    end: Math.min(tile.width, right - tile.x),
    top: Math.max(0, top - tile.y),
    bottom: Math.min(tile.height, bottom - tile.y),
  }
}

/**
 * Lays a soft brush's way over a tile of a Snapshot: each pixel gets `blend(before, coverage)`.
 *
 * `strength` is the most of a pixel that one stroke covers. A tile remembers what covers it, so that a stroke that crosses itself is no darker there.
 */
export function softDab(tile, layer, layerWidth, { a, b, hardness, strength = 1, blend }) {
  tile.cover ??= new Uint8Array(tile.width * tile.height)
  const part = partOf(tile, reachOf(a, b))
  const [dx, dy] = [b.x - a.x, b.y - a.y]
  const perSquare = dx === 0 && dy === 0 ? 0 : 1 / (dx * dx + dy * dy)
  const farthest = (Math.max(a.radius, b.radius) + 0.5) ** 2
  for (let row = part.top; row < part.bottom; row += 1) {
    const fromY = tile.y + row + 0.5 - a.y
    for (let column = part.first; column < part.end; column += 1) {
      const fromX = tile.x + column + 0.5 - a.x
      const along = Math.min(1, Math.max(0, (fromX * dx + fromY * dy) * perSquare))
      const square = (fromX - along * dx) ** 2 + (fromY - along * dy) ** 2
      if (square >= farthest) continue
      const coverage = Math.round(strength * coverageAt(Math.sqrt(square), a.radius + along * (b.radius - a.radius), hardness))
      const inTile = row * tile.width + column
      if (coverage <= tile.cover[inTile]) continue
      tile.cover[inTile] = coverage
      layer[(tile.y + row) * layerWidth + tile.x + column] = blend(tile.before[inTile], coverage)
    }
  }
}
