import { snapSide } from './sizes.js'

export const REFERENCES_MAX = 8
/** What the server reads: sides in pixels, and the longer one in shorter ones. */
export const REFERENCE_LEAST_PX = 64
export const REFERENCE_MOST_RATIO = 8
/** As large as a picture becomes whose size nobody asks for. */
const AREA_MAX = 1024 * 1024

const INPUT_ID = /^[0-9a-f]{64}$/

/** One list for all that have none: it is the same as before. */
export const NO_REFERENCES = Object.freeze([])

/** Makes usable references, ids of inputs, of whatever the browser stored. */
export function restoreReferences(stored) {
  if (!Array.isArray(stored)) return NO_REFERENCES
  const usable = stored.filter((id) => typeof id === 'string' && INPUT_ID.test(id)).slice(0, REFERENCES_MAX)
  return usable.length > 0 ? usable : NO_REFERENCES
}

/** What of a request's body the references are; nothing without any. */
export function referenceRequest(references) {
  return references.length > 0 ? { references: references.map((id) => ({ input_id: id })) } : {}
}

/** The references of a picture's record, which has ids alone, or of a request. */
export function referencesOf(source) {
  return restoreReferences(source?.references?.map((one) => one?.input_id ?? one))
}

/** Whether the server reads a picture of this size as a reference. */
export function isReferable({ width, height }) {
  const [short, long] = [Math.min(width, height), Math.max(width, height)]
  return short >= REFERENCE_LEAST_PX && long <= REFERENCE_MOST_RATIO * short
}

/** A name for each reference that stays its own when it moves; one may be there twice. */
export function keysOf(references) {
  return references.map((id, at) => `${id} ${references.slice(0, at).filter((other) => other === id).length}`)
}

/** The references with one of them at another place. */
export function moveReference(references, from, to) {
  const others = references.filter((_, at) => at !== from)
  return others.toSpliced(to, 0, references[from])
}

/** The size of the form that a picture like this one has: no larger than a megapixel, and on the grid. */
export function sizeLike({ width, height }) {
  const scale = Math.min(1, Math.sqrt(AREA_MAX / (width * height)))
  return { width: snapSide(width * scale), height: snapSide(height * scale), custom_size: false }
}
