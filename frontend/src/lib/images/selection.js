/** Nothing is chosen. `chosen` holds pictures by id; `anchor` is the id where a range would start. */
export const NOTHING = Object.freeze({ chosen: new Map(), anchor: null })

/** The selection after a click on one of `images`: it alone changes, or with `range` all from the anchor to it. */
export function select(selection, images, image, { range = false } = {}) {
  const chosen = new Map(selection.chosen)
  const placeOf = (id) => images.findIndex((other) => other.id === id)
  const [start, end] = [placeOf(selection.anchor), placeOf(image.id)].sort((a, b) => a - b)
  if (range && start >= 0) {
    for (const between of images.slice(start, end + 1)) chosen.set(between.id, between)
    return { chosen, anchor: selection.anchor }
  }
  if (!chosen.delete(image.id)) chosen.set(image.id, image)
  return { chosen, anchor: image.id }
}

/** The selection with all of `images`. */
export function selectAll(selection, images) {
  return { ...selection, chosen: new Map([...selection.chosen, ...images.map((image) => [image.id, image])]) }
}
