/** From a twentieth of the fitted size up to 32 screen pixels a pixel. */
const MOST_SCALE = 32
const LEAST_OF_FIT = 0.2
/** Room around a fitted picture, in screen pixels. */
const MARGIN_PX = 28
/** As much of the picture stays in sight wherever it is pushed. */
const KEPT_PX = 48
export const ZOOM_STEP = 1.25

/** Where a point of the screen lies on the picture. A view is `{scale, x, y}`: the picture's corner is at x, y. */
export function toPicture(view, { x, y }) {
  return { x: (x - view.x) / view.scale, y: (y - view.y) / view.scale }
}

export function toScreen(view, { x, y }) {
  return { x: x * view.scale + view.x, y: y * view.scale + view.y }
}

/** The picture with all that grows around it, in the picture's own pixels. */
export function boundsOf({ width, height }, { top, right, bottom, left }) {
  return { left: -left, top: -top, width: width + left + right, height: height + top + bottom }
}

/** The view in which `bounds` fill the stage but for a margin; small pictures are not blown up beyond 8 times. */
export function fitView(stage, bounds) {
  const margin = Math.min(MARGIN_PX, stage.width / 8, stage.height / 8)
  const room = { width: Math.max(1, stage.width - 2 * margin), height: Math.max(1, stage.height - 2 * margin) }
  const scale = Math.min(room.width / bounds.width, room.height / bounds.height, 8)
  return centred(stage, bounds, scale)
}

/** The view of a scale whose middle is that of the bounds. */
export function centred(stage, bounds, scale) {
  return {
    scale,
    x: (stage.width - bounds.width * scale) / 2 - bounds.left * scale,
    y: (stage.height - bounds.height * scale) / 2 - bounds.top * scale,
  }
}

/** Keeps some of the picture in sight. */
export function clampView(view, stage, bounds) {
  const clamp = (value, least, most) => Math.min(Math.max(value, Math.min(least, most)), Math.max(least, most))
  const [left, top] = [bounds.left * view.scale, bounds.top * view.scale]
  return {
    scale: view.scale,
    x: clamp(view.x, KEPT_PX - bounds.width * view.scale - left, stage.width - KEPT_PX - left),
    y: clamp(view.y, KEPT_PX - bounds.height * view.scale - top, stage.height - KEPT_PX - top),
  }
}

/** A view scaled about a point of the screen, which stays where it is. */
export function zoomAbout(view, factor, point, leastScale) {
  const scale = Math.min(MOST_SCALE, Math.max(leastScale, view.scale * factor))
  const ratio = scale / view.scale
  return { scale, x: point.x - (point.x - view.x) * ratio, y: point.y - (point.y - view.y) * ratio }
}

/** The smallest scale that is of use. */
export function leastScale(stage, bounds) {
  return Math.min(1, fitView(stage, bounds).scale * LEAST_OF_FIT)
}

/** Two fingers that go from `before` to `after`, pairs of points: what is under them goes with them. */
export function pinch(view, before, after, least) {
  const middle = ([a, b]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 })
  const spread = ([a, b]) => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y))
  const [from, to] = [middle(before), middle(after)]
  const zoomed = zoomAbout(view, spread(after) / spread(before), from, least)
  return { ...zoomed, x: zoomed.x + to.x - from.x, y: zoomed.y + to.y - from.y }
}

/** The view moved as little as needed for a point of the picture to be in sight. */
export function reveal(view, stage, point, margin = MARGIN_PX) {
  const { x, y } = toScreen(view, point)
  const missing = (at, most) => (at < margin ? margin - at : at > most - margin ? most - margin - at : 0)
  return { ...view, x: view.x + missing(x, stage.width), y: view.y + missing(y, stage.height) }
}
