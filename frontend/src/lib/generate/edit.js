import { isValidSide } from './sizes.js'

export const STRENGTH_MIN = 0.05
export const STRENGTH_STEP = 0.05
export const FEATHER_DEFAULT = 16
export const FEATHER_MAX = 256
export const GROWTH_MAX = 2048
export const UPSCALES = [1, 1.5, 2, 3, 4]
export const MASK_MODES = ['whole', 'only_masked']
export const NO_GROWTH = Object.freeze({ top: 0, right: 0, bottom: 0, left: 0 })

/** What the canvas shows of a picture: what this browser has kept, or what the edit says. */
export const [KEPT, OWN] = ['kept', 'own']

const INPUT_ID = /^[0-9a-f]{64}$/

/** The names of the API's fields that an edit stands for: where the server refuses one, the edit shows it. */
export const EDIT_FIELDS = ['init_image', 'strength', 'mask', 'mask_mode', 'feather', 'outpaint', 'upscale', 'base']

/**
 * How a picture is drawn from another one: the form's value of it, null for text to image.
 *
 * `image` and `mask` are ids of inputs; `base` is what a colour sketch was painted on, where there is one. `growth` is
 * the pixels that each side grows by. `strength` is null for what suits the edit, see usualStrength; `feather` for the
 * server's own. `size` is what is drawn, where that was chosen: `{width, height}`. `canvas` says what the canvas shows:
 * what was painted there last, or this edit's own mask. `has_alpha` says that the picture is transparent somewhere. `root`
 * says of a picture what it was painted on elsewhere, see originOf.
 */
export function newEdit(image, { has_alpha: hasAlpha = false } = {}) {
  return {
    image,
    has_alpha: hasAlpha,
    base: null,
    root: null,
    strength: null,
    mask: null,
    mask_mode: 'whole',
    feather: FEATHER_DEFAULT,
    growth: NO_GROWTH,
    upscale: 1,
    size: null,
    canvas: KEPT,
  }
}

const isSameGrowth = (one, other) => Object.keys(NO_GROWTH).every((side) => one[side] === other[side])

/** The edit after some of it was changed: another size of the result is drawn at another size. */
export function changeEdit(edit, patch) {
  const next = { ...edit, ...patch }
  const isSameSize = next.upscale === edit.upscale && isSameGrowth(next.growth, edit.growth)
  return isSameSize || 'size' in patch ? next : { ...next, size: null }
}

const isId = (value) => typeof value === 'string' && INPUT_ID.test(value)
const within = (value, min, max, fallback) => (typeof value === 'number' && value >= min && value <= max ? value : fallback)

function restoreGrowth(stored) {
  const sides = Object.keys(NO_GROWTH).map((side) => [side, Math.round(within(stored?.[side], 0, GROWTH_MAX, 0))])
  return Object.fromEntries(sides)
}

function featherOf(stored) {
  const feather = within(stored, 0, FEATHER_MAX, null)
  return feather === null ? null : Math.round(feather)
}

function sizeOf(stored) {
  const { width, height } = stored ?? {}
  return isValidSide(width) && isValidSide(height) ? { width, height } : null
}

function rootOf(stored) {
  return isId(stored?.of) && isId(stored?.is) ? { of: stored.of, is: stored.is } : null
}

/** Makes a usable edit of whatever the browser stored; null where there is no picture to draw from. */
export function restoreEdit(stored) {
  if (!isId(stored?.image)) return null
  return {
    image: stored.image,
    has_alpha: stored.has_alpha === true,
    base: isId(stored.base) ? stored.base : null,
    root: rootOf(stored.root),
    strength: within(stored.strength, Number.MIN_VALUE, 1, null),
    mask: isId(stored.mask) ? stored.mask : null,
    mask_mode: MASK_MODES.includes(stored.mask_mode) ? stored.mask_mode : 'whole',
    feather: featherOf(stored.feather),
    growth: restoreGrowth(stored.growth),
    upscale: within(stored.upscale, 1, Math.max(...UPSCALES), 1),
    size: sizeOf(stored.size),
    canvas: stored.canvas === OWN ? OWN : KEPT,
  }
}

/** Whether the picture grows on any side. */
export function grows({ growth }) {
  return Object.values(growth).some((pixels) => pixels > 0)
}

/** Whether a mask says what is repainted: one that was painted, or what the picture grows by. */
export function isMasked(edit) {
  return Boolean(edit && (edit.mask || grows(edit)))
}

/** The picture that an edit begins from, without what was painted on it. */
export function originalOf({ base, image }) {
  return base ?? image
}

/** What becomes of an edit whose mask is what is transparent: there is nothing to keep a part of. */
export function maskedBy(mask) {
  return { mask, strength: 1, canvas: OWN }
}

/** From this strength on, a tile becomes a picture of its own. */
export const TILE_STRENGTH = 0.5

/** Whether tiles are drawn so freely that each may grow objects of its own: strongly, and with nothing that holds them. */
export function growsObjects(edit, controls) {
  const isTiled = edit.upscale > 1 && !grows(edit)
  const isHeld = controls.some(({ kind, model }) => kind === 'tile' || /tile/i.test(model))
  return isTiled && (edit.strength ?? usualStrength(edit)) > TILE_STRENGTH && !isHeld
}

/** The strength that suits an edit; the server has the same where none is said. */
export function usualStrength(edit) {
  if (grows(edit)) return 0.5
  if (edit.upscale > 1) return 0.3
  return edit.mask ? 0.75 : 0.6
}

/** The picture that the one which is drawn from was painted on, null where nothing was: a flattened sketch has no name. */
export function originOf({ image, base, root }) {
  return root?.of === (base ?? image) ? root.is : base
}

/** What of a request's body an edit is; nothing for text to image. */
export function editRequest(edit) {
  if (!edit) return {}
  const isGrowing = grows(edit)
  const isLarger = edit.upscale > 1 && !isGrowing
  const origin = originOf(edit)
  const hasEdge = (edit.mask || isGrowing) && !isLarger
  return {
    init_image: { input_id: edit.image },
    strength: edit.strength ?? usualStrength(edit),
    ...(edit.mask && { mask: { input_id: edit.mask }, mask_mode: isGrowing || isLarger ? 'whole' : edit.mask_mode }),
    ...(hasEdge && edit.feather !== null && { feather: edit.feather }),
    ...(isGrowing && { outpaint: edit.growth }),
    ...(isLarger && { upscale: { factor: edit.upscale } }),
    ...(origin && { base: { input_id: origin } }),
    ...edit.size,
  }
}

/** The id of an input: a request says `{input_id}`, a picture's record the id alone. */
const idOf = (source) => source?.input_id ?? source

/** The edit that a picture or a request was made by, null where it was drawn from text alone. */
export function editOf(source) {
  if (!source?.init_image) return null
  const { init_image, mask, outpaint: growth, upscale, base, ...rest } = source
  const image = idOf(init_image)
  const root = base ? { of: image, is: idOf(base) } : null
  const size = { width: source.drawn_width ?? source.width, height: source.drawn_height ?? source.height }
  const factor = upscale ? (upscale.factor ?? 2) : 1
  return restoreEdit({ ...rest, image, root, mask: idOf(mask), growth, upscale: factor, size, canvas: OWN })
}
