import { decodePixels } from './files.js'
import { forgetEdit, readEdit, writeEdit } from './kept.js'
import { NO_OUTPAINT } from './document.js'
import { grows } from './outpaint.js'
import { encodeGrey, encodeRgba } from './png.js'
import { fitMask, hasShapeOf, maskFromPixels } from './raster/import.js'
import { isPainted } from './raster/measure.js'
import { packedBytes, packRuns, unpackRuns } from './raster/runs.js'
import { MASK_MODES, MOST_FEATHER } from './settings.js'

export const DEFAULT_OPTIONS = { feather: 0, maskMode: MASK_MODES[0] }

/** Under what name an edit of `{id, url, width, height}` is kept: the same picture in another size is another one. */
export function keyOf({ id, url, width, height }) {
  return `${id ?? url} ${width}x${height}`
}

function usableOptions({ feather, maskMode }) {
  return {
    feather: Number.isFinite(feather) ? Math.min(MOST_FEATHER, Math.max(0, feather)) : DEFAULT_OPTIONS.feather,
    maskMode: MASK_MODES.includes(maskMode) ? maskMode : DEFAULT_OPTIONS.maskMode,
  }
}

const ENCODERS = { mask: encodeGrey, sketch: encodeRgba }

function fileOf(layer, pixels, size) {
  return isPainted(pixels) ? ENCODERS[layer](pixels, size) : null
}

/** The edit that others get: PNGs of exactly the picture's size, null where nothing is painted. */
export async function valueOf({ mask, sketch, outpaint, feather, maskMode }, size) {
  const [maskFile, sketchFile] = await Promise.all([fileOf('mask', mask, size), fileOf('sketch', sketch, size)])
  return { mask: maskFile, sketch: sketchFile, outpaint, feather, maskMode }
}

/**
 * Answers a function that gives a document's value with options: valueOf, but a layer that has not changed is the same
 * blob as before. `given` is the value that the document was made of, if any.
 */
export function valuesOf(doc, given) {
  const known = Object.fromEntries(Object.keys(ENCODERS).map((layer) => [layer, given && { version: doc.versionOf(layer), file: given[layer] ?? null }]))
  const fresh = (layer) => {
    const version = doc.versionOf(layer)
    if (known[layer]?.version !== version) known[layer] = { version, file: fileOf(layer, doc[layer], doc.size) }
    return known[layer].file
  }
  return async (options) => {
    const { outpaint } = doc
    const [mask, sketch] = await Promise.all([fresh('mask'), fresh('sketch')])
    return { mask, sketch, outpaint, ...options }
  }
}

const sized = ({ width, height }) => `${width} × ${height}`

function refuse(size, decoded) {
  throw new Error(`the picture has ${sized(size)} pixels, its layer ${sized(decoded)}`)
}

/** The greys of a mask's file; one of the picture's shape in another size is brought to it, as the server does. */
async function maskOf(blob, size) {
  const decoded = await decodePixels(blob)
  if (!hasShapeOf(decoded, size)) refuse(size, decoded)
  return fitMask(maskFromPixels(decoded.pixels, 'brightness'), decoded, size, 'stretch')
}

/** The pixels of a sketch's file; it must have the picture's size. */
async function sketchOf(blob, size) {
  const decoded = await decodePixels(blob)
  if (decoded.width !== size.width || decoded.height !== size.height) refuse(size, decoded)
  return decoded.pixels
}

/** An edit out of a value that others give. */
export async function editOf(value, size) {
  return {
    mask: value.mask ? await maskOf(value.mask, size) : null,
    sketch: value.sketch ? await sketchOf(value.sketch, size) : null,
    outpaint: { ...NO_OUTPAINT, ...value.outpaint },
    ...usableOptions(value),
  }
}

/** Keeps an edit of a picture; one without anything is forgotten. */
export async function keepEdit(image, { mask, sketch, outpaint, feather, maskMode }) {
  const key = keyOf(image)
  const packedMask = isPainted(mask) ? packRuns(mask) : null
  const packedSketch = isPainted(sketch) ? packRuns(sketch) : null
  const isNothing = !packedMask && !packedSketch && !grows(outpaint)
  if (isNothing && feather === DEFAULT_OPTIONS.feather && maskMode === DEFAULT_OPTIONS.maskMode) {
    await forgetEdit(key)
    return
  }
  const bytes = [packedMask, packedSketch].reduce((sum, packed) => sum + (packed ? packedBytes(packed) : 0), 0)
  await writeEdit({ key, savedAt: Date.now(), bytes, mask: packedMask, sketch: packedSketch, outpaint, feather, maskMode })
}

/** The kept edit of a picture, or null. */
export async function readKept(image) {
  const kept = await readEdit(keyOf(image))
  if (!kept) return null
  const count = image.width * image.height
  return {
    mask: kept.mask && unpackRuns(kept.mask, new Uint8Array(count)),
    sketch: kept.sketch && unpackRuns(kept.sketch, new Uint32Array(count)),
    outpaint: { ...NO_OUTPAINT, ...kept.outpaint },
    ...usableOptions(kept),
  }
}

/** What was painted on a picture the last time, as the editor would give it; null where nothing is kept. */
export async function readKeptValue(image) {
  const kept = await readKept(image)
  return kept && valueOf(kept, image)
}

/** Throws away what is kept of a picture. */
export function forgetKept(image) {
  return forgetEdit(keyOf(image))
}
