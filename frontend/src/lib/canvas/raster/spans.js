/** Tells of the columns of a row, `end` not among them, that are in the picture. */
function emit(y, start, end, width, visit) {
  const [first, stop] = [Math.max(0, start), Math.min(width, end)]
  if (stop > first) visit(y, first, stop)
}

/** The rows of a picture whose middles lie within `from`…`to`: `[first, last]`. */
function rowsOf(from, to, height) {
  return [Math.max(0, Math.ceil(from - 0.5)), Math.min(height - 1, Math.floor(to - 0.5))]
}

/** The two lines that touch both circles from outside, as `[x1, y1, x2, y2]`; none where one circle holds the other. */
function tangentsOf(a, b) {
  const [dx, dy] = [b.x - a.x, b.y - a.y]
  const distance = Math.hypot(dx, dy)
  const cos = (a.radius - b.radius) / distance
  if (!(Math.abs(cos) < 1)) return []
  const sin = Math.sqrt(1 - cos * cos)
  const [ux, uy] = [dx / distance, dy / distance]
  return [1, -1].map((side) => {
    const [nx, ny] = [ux * cos - side * uy * sin, uy * cos + side * ux * sin]
    return [a.x + a.radius * nx, a.y + a.radius * ny, b.x + b.radius * nx, b.y + b.radius * ny]
  })
}

/**
 * Visits what a round brush covers on its way from `a` to `b`, points with a `radius`: the convex hull of two circles.
 *
 * A pixel is covered when its middle is. `visit(y, start, end)` is called once a row.
 */
export function brushSpans(a, b, { width, height }, visit) {
  const tangents = tangentsOf(a, b)
  const top = Math.min(a.y - a.radius, b.y - b.radius)
  const bottom = Math.max(a.y + a.radius, b.y + b.radius)
  const [first, last] = rowsOf(top, bottom, height)
  for (let row = first; row <= last; row += 1) {
    const y = row + 0.5
    let [from, to] = [Infinity, -Infinity]
    const take = (x) => {
      from = Math.min(from, x)
      to = Math.max(to, x)
    }
    for (const circle of [a, b]) {
      const square = circle.radius ** 2 - (y - circle.y) ** 2
      if (square < 0) continue
      const half = Math.sqrt(square)
      take(circle.x - half)
      take(circle.x + half)
    }
    for (const [x1, y1, x2, y2] of tangents) {
      if (y1 !== y2 && (y - y1) * (y - y2) <= 0) take(x1 + ((y - y1) / (y2 - y1)) * (x2 - x1))
    }
    emit(row, Math.ceil(from - 0.5), Math.floor(to - 0.5) + 1, width, visit)
  }
}

/** Where a polygon's edges cross the middles of rows: a list of `[x, direction]` for each row. */
function crossingsOf(points, height) {
  const rows = new Map()
  points.forEach(({ x: x1, y: y1 }, index) => {
    const { x: x2, y: y2 } = points[(index + 1) % points.length]
    const first = Math.max(0, Math.ceil(Math.min(y1, y2) - 0.5))
    const end = Math.min(height, Math.ceil(Math.max(y1, y2) - 0.5)) // A corner on a row belongs to one edge only.
    for (let row = first; row < end; row += 1) {
      const x = x1 + ((row + 0.5 - y1) / (y2 - y1)) * (x2 - x1)
      if (!rows.has(row)) rows.set(row, [])
      rows.get(row).push([x, y2 > y1 ? 1 : -1])
    }
  })
  return rows
}

/**
 * Visits what a closed line encloses, however often it crosses itself (the nonzero rule).
 *
 * A middle right on the line belongs to what is right of and below it: neighbours share no pixel.
 */
export function polygonSpans(points, { width, height }, visit) {
  for (const [row, crossings] of crossingsOf(points, height)) {
    crossings.sort(([a], [b]) => a - b)
    let winding = 0
    crossings.forEach(([x, direction], index) => {
      winding += direction
      if (winding !== 0) emit(row, Math.ceil(x - 0.5), Math.ceil(crossings[index + 1][0] - 0.5), width, visit)
    })
  }
}

/** The whole pixels between two corners, both corners' own included: `{left, top, right, bottom}`, open to the right and below. */
export function rectangleOf(a, b, { width, height }) {
  const clamp = (value, most) => Math.min(most, Math.max(0, value))
  return {
    left: clamp(Math.floor(Math.min(a.x, b.x)), width),
    top: clamp(Math.floor(Math.min(a.y, b.y)), height),
    right: clamp(Math.floor(Math.max(a.x, b.x)) + 1, width),
    bottom: clamp(Math.floor(Math.max(a.y, b.y)) + 1, height),
  }
}
