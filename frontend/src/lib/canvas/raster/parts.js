const FULL = 255
export const NONE = { top: 0, right: 0, bottom: 0, left: 0 }

/** The greys of a rectangle around a place of the picture; beyond the picture all is white. */
export function cut(mask, { width, height }, { left, top, right, bottom }) {
  const across = right - left
  const part = new Uint8Array(across * (bottom - top))
  const [first, end] = [Math.max(0, left), Math.min(width, right)]
  if (first > left || end < right || top < 0 || bottom > height) part.fill(FULL)
  for (let y = Math.max(0, top); y < Math.min(height, bottom); y += 1) {
    if (end > first) part.set(mask.subarray(y * width + first, y * width + end), (y - top) * across + first - left)
  }
  return part
}

/** Lays the values of one rectangle into those of another, where both have pixels. */
export function paste(from, source, to, target) {
  const [left, right] = [Math.max(source.left, target.left), Math.min(source.right, target.right)]
  if (right <= left) return
  const [across, wide] = [source.right - source.left, target.right - target.left]
  for (let y = Math.max(source.top, target.top); y < Math.min(source.bottom, target.bottom); y += 1) {
    const start = (y - source.top) * across - source.left
    to.set(from.subarray(start + left, start + right), (y - target.top) * wide + left - target.left)
  }
}

/** The smallest rectangle around everything that is not black in the values of a rectangle; null where all is. */
export function boxAround(values, { left, top, right, bottom }) {
  const across = right - left
  let box = null
  for (let y = top, start = 0; y < bottom; y += 1, start += across) {
    let [first, last] = [0, across - 1]
    while (first < across && values[start + first] === 0) first += 1
    if (first === across) continue
    while (values[start + last] === 0) last -= 1
    box = {
      left: Math.min(box?.left ?? right, left + first),
      top: box?.top ?? y,
      right: Math.max(box?.right ?? left, left + last + 1),
      bottom: y + 1,
    }
  }
  return box
}
