export const CONTROL_KINDS = ['canny', 'lines', 'scribble', 'grey', 'tile', 'blur', 'depth', 'pose', 'finished']
/** The kind that has no picture of its own: it sees what the mask keeps of the one that is drawn from. */
export const INPAINT = 'inpaint'
export const CONTROLS_MAX = 4
export const SCALE_MAX = 2
export const SCALE_STEP = 0.05
const SCALE_DEFAULT = 0.75
const TILE_SCALE = 0.85

const INPUT_ID = /^[0-9a-f]{64}$/

/** One list for all that have none: it is the same as before. */
export const NO_CONTROLS = Object.freeze([])

/**
 * A picture that guides the composition, the form's value of it. `image` is the id of an input; null with the kind
 * INPAINT. A control whose `inpaint` is false is not shown the mask, though its ControlNet reads one.
 */
export function newControl(image, model = 'auto') {
  return { image, kind: 'canny', model, scale: SCALE_DEFAULT, start: 0, end: 1 }
}

/** The control that is shown what is around the mask and nothing else, by the first of the ControlNets that can. */
export function inpaintControl(nets) {
  return { ...newControl(null, nets[0]?.takes_mask ? 'auto' : nets.find((net) => net.takes_mask)?.name), kind: INPAINT }
}

/** The control that keeps what is there while a picture is enlarged, by a Tile ControlNet. */
export function tileControl(image, net) {
  return { ...newControl(image, net.name), kind: 'tile', scale: TILE_SCALE }
}

/** The ControlNet among those of the catalogue that adds detail to what it sees; its file's name alone tells. */
export function tileNet(nets) {
  return nets.find(({ name }) => /tile/i.test(name))
}

/** The ControlNet that a control means. */
export function netOf({ model }, nets) {
  return model === 'auto' ? nets[0] : nets.find(({ name }) => name === model)
}

const within = (value, min, max, fallback) => (typeof value === 'number' && value >= min && value <= max ? value : fallback)

/** Options of a preprocessor, as `{low: 50}`. */
function isOptions(stored) {
  return typeof stored === 'object' && stored !== null && Object.values(stored).every(Number.isFinite)
}

function restoreControl(stored) {
  const start = within(stored.start, 0, 0.95, 0)
  const isInpaint = stored.kind === INPAINT
  return {
    image: isInpaint ? null : stored.image,
    kind: isInpaint || CONTROL_KINDS.includes(stored.kind) ? stored.kind : 'finished',
    model: typeof stored.model === 'string' ? stored.model : 'auto',
    scale: within(stored.scale, 0, SCALE_MAX, SCALE_DEFAULT),
    start,
    end: within(stored.end, start + Number.EPSILON, 1, 1),
    ...(isOptions(stored.options) && { options: stored.options }),
    ...(!isInpaint && stored.inpaint === false && { inpaint: false }),
  }
}

const isUsable = (one) => one?.kind === INPAINT || (typeof one?.image === 'string' && INPUT_ID.test(one.image))

/** Makes usable controls of whatever the browser stored. */
export function restoreControls(stored) {
  if (!Array.isArray(stored)) return NO_CONTROLS
  const usable = stored.filter(isUsable).slice(0, CONTROLS_MAX).map(restoreControl)
  return usable.length > 0 ? usable : NO_CONTROLS
}

/** What of a request's body the controls are; nothing without any. Without a mask the kind INPAINT has nothing to see. */
export function controlRequest(controls, isMasked) {
  const sent = controls.filter(({ kind }) => kind !== INPAINT || isMasked)
  if (sent.length === 0) return {}
  return { control: sent.map(({ image, ...rest }) => ({ ...(image && { image: { input_id: image } }), ...rest })) }
}

/**
 * The controls that a picture or a request was made with.
 *
 * A record names the picture by its id alone, and has `inpaint` where the mask was shown; a request has it where that
 * was said, and is shown the mask where it was not.
 */
export function controlsOf(source) {
  const isMasked = Boolean(source?.mask || source?.outpaint)
  const found = (source?.control ?? []).map(({ image, kind, preprocessor, inpaint, ...rest }) => {
    const wasBlind = typeof image === 'string' ? isMasked && inpaint !== true : inpaint === false
    const made = preprocessor === 'none' ? 'finished' : (preprocessor ?? kind)
    return {
      ...rest,
      image: image?.input_id ?? image,
      kind: kind === INPAINT ? kind : made,
      ...(wasBlind && { inpaint: false }),
    }
  })
  return restoreControls(found)
}
