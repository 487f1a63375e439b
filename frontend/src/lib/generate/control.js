export const CONTROL_KINDS = ['canny', 'lines', 'scribble', 'grey', 'tile', 'blur', 'depth', 'pose', 'finished']
export const CONTROLS_MAX = 4
export const SCALE_MAX = 2
export const SCALE_STEP = 0.05
const SCALE_DEFAULT = 0.75

const INPUT_ID = /^[0-9a-f]{64}$/

/** One list for all that have none: it is the same as before. */
export const NO_CONTROLS = Object.freeze([])

/** A picture that guides the composition, the form's value of it. `image` is the id of an input. */
export function newControl(image, model = 'auto') {
  return { image, kind: 'canny', model, scale: SCALE_DEFAULT, start: 0, end: 1 }
}

const within = (value, min, max, fallback) => (typeof value === 'number' && value >= min && value <= max ? value : fallback)

/** Options of a preprocessor, as `{low: 50}`. */
function isOptions(stored) {
  return typeof stored === 'object' && stored !== null && Object.values(stored).every(Number.isFinite)
}

function restoreControl(stored) {
  const start = within(stored?.start, 0, 0.95, 0)
  return {
    image: stored?.image,
    kind: CONTROL_KINDS.includes(stored?.kind) ? stored.kind : 'finished',
    model: typeof stored?.model === 'string' ? stored.model : 'auto',
    scale: within(stored?.scale, 0, SCALE_MAX, SCALE_DEFAULT),
    start,
    end: within(stored?.end, start + Number.EPSILON, 1, 1),
    ...(isOptions(stored?.options) && { options: stored.options }),
  }
}

/** Makes usable controls of whatever the browser stored. */
export function restoreControls(stored) {
  if (!Array.isArray(stored)) return NO_CONTROLS
  const usable = stored
    .filter((one) => typeof one?.image === 'string' && INPUT_ID.test(one.image))
    .slice(0, CONTROLS_MAX)
    .map(restoreControl)
  return usable.length > 0 ? usable : NO_CONTROLS
}

/** What of a request's body the controls are; nothing without any. */
export function controlRequest(controls) {
  if (controls.length === 0) return {}
  return { control: controls.map(({ image, ...rest }) => ({ image: { input_id: image }, ...rest })) }
}

/** The controls that a picture or a request was made with. */
export function controlsOf(source) {
  const found = (source?.control ?? []).map(({ image, kind, preprocessor, ...rest }) => ({
    ...rest,
    image: image?.input_id ?? image,
    kind: preprocessor === 'none' ? 'finished' : (preprocessor ?? kind),
  }))
  return restoreControls(found)
}
