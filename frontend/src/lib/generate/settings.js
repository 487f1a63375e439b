import { plainSeed } from '../digits.js'
import { withinReach } from './abilities.js'
import { controlRequest, controlsOf, NO_CONTROLS, restoreControls } from './control.js'
import { editOf, editRequest, isMasked, restoreEdit } from './edit.js'
import { toLiteral } from './expand.js'
import { adoptScale, guidanceRequest, GUIDANCE_MAX, isScale } from './guidance.js'
import { loraRequest, NO_LORAS, restoreLoras } from './loras.js'
import { NO_REFERENCES, referenceRequest, referencesOf, restoreReferences } from './references.js'
import { isValidSide, snapSide } from './sizes.js'

export const PROMPT_MAX = 4000
export const STEPS_MIN = 1
export const STEPS_MAX = 50
export const IMAGES_MAX = 16
export const SEED_MAX = Number.MAX_SAFE_INTEGER
export const SHIFT_MIN = 0.1
export const SHIFT_MAX = 20
export const SHIFT_STEP = 0.1

/**
 * The form's values, named as the API names them. `seed` is text, empty or −1 for a drawn one; an unlocked seed is drawn
 * anew after each request. With `choices_random` each picture takes one of the prompt's choices. `guidance_scale`
 * and `shift` are null for the model's own. `edit` is what is drawn from, see newEdit; `references` are ids of inputs,
 * see can.
 */
export const DEFAULT_SETTINGS = Object.freeze({
  prompt: '',
  width: 1024,
  height: 1024,
  custom_size: false,
  num_inference_steps: 9,
  use_gpu: true,
  seed: '',
  seed_locked: true,
  model: 'auto',
  num_images: 1,
  guidance_scale: null,
  shift: null,
  negative_prompt: '',
  choices_random: false,
  edit: null,
  control: NO_CONTROLS,
  references: NO_REFERENCES,
  loras: NO_LORAS,
})

/** The fields that the simple form hides. */
export const ADVANCED_FIELDS = [
  'num_inference_steps',
  'seed',
  'model',
  'guidance_scale',
  'shift',
  'negative_prompt',
  'use_gpu',
]

// What the server refuses in a prompt: control characters but tab and newline.
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/

/** A function that gives these of the settings their defaults by `onChange`; undefined where they have them. */
export function resetOf(settings, fields, onChange) {
  if (fields.every((field) => settings[field] === DEFAULT_SETTINGS[field])) return undefined
  return () => onChange(Object.fromEntries(fields.map((field) => [field, DEFAULT_SETTINGS[field]])))
}

/** True for a shift that the server takes. */
function isShift(value) {
  return typeof value === 'number' && value >= SHIFT_MIN && value <= SHIFT_MAX
}

function isSame(before, after, ignored) {
  return Object.keys(after).every((key) => key === ignored || Object.is(before[key], after[key]))
}

/** For `memo`: true when the props differ in nothing but the prompt of their `settings`. A keystroke draws little anew. */
export function isSameButPrompt(before, after) {
  return isSame(before, after, 'settings') && isSame(before.settings, after.settings, 'prompt')
}

/** Makes usable settings of whatever the browser stored: a wrong type falls back to its default. */
export function restoreSettings(stored) {
  if (typeof stored !== 'object' || stored === null) return { ...DEFAULT_SETTINGS }
  const entries = Object.entries(DEFAULT_SETTINGS).map(([key, fallback]) => [
    key,
    typeof stored[key] === typeof fallback ? stored[key] : fallback,
  ])
  return {
    ...Object.fromEntries(entries),
    guidance_scale: isScale(stored.guidance_scale) ? stored.guidance_scale : null,
    shift: isShift(stored.shift) ? stored.shift : null,
    edit: restoreEdit(stored.edit),
    control: restoreControls(stored.control),
    references: restoreReferences(stored.references),
    loras: restoreLoras(stored.loras),
  }
}

/** True for a seed that the server is to draw: an empty one, or −1, as other programs write it. */
export function isRandomSeed(seed) {
  return ['', '-1'].includes(plainSeed(seed))
}

/** Finds what the server would refuse. Answers `{field: i18n key}`, empty when all is well. */
export function validateSettings(settings) {
  const errors = {}
  const prompt = settings.prompt.trim()
  if (!prompt) errors.prompt = 'errors.promptMissing'
  else if ([...prompt].length > PROMPT_MAX) errors.prompt = 'errors.promptTooLong'
  else if (CONTROL.test(prompt)) errors.prompt = 'errors.promptControl'
  if (!settings.edit && !isValidSide(settings.width)) errors.width = 'errors.side'
  if (!settings.edit && !isValidSide(settings.height)) errors.height = 'errors.side'
  const seed = plainSeed(settings.seed)
  if (!isRandomSeed(seed) && !(/^\d+$/.test(seed) && Number(seed) <= SEED_MAX)) errors.seed = 'errors.seed'
  return errors
}

/** The body of POST /api/generate for `model`, for the form's prompt or one that it stands for. */
export function toRequest(settings, model, prompt = settings.prompt) {
  const seed = plainSeed(settings.seed)
  const { edit, control, references } = withinReach(settings, model)
  return {
    prompt: prompt.trim(),
    // A picture that is drawn from another one has that one's size.
    ...(edit ? editRequest(edit) : { width: settings.width, height: settings.height }),
    ...controlRequest(control ?? NO_CONTROLS, isMasked(edit)),
    ...referenceRequest(references ?? NO_REFERENCES),
    ...loraRequest(settings.loras ?? NO_LORAS),
    num_inference_steps: settings.num_inference_steps,
    use_gpu: settings.use_gpu,
    seed: isRandomSeed(seed) ? null : Number(seed),
    model: settings.model,
    num_images: settings.num_images,
    ...(settings.shift !== null && { shift: settings.shift }),
    ...guidanceRequest(settings, model),
  }
}

/** What can be taken over from a picture, and the settings that belong to it. */
export const REUSABLE = {
  prompt: ['prompt', 'negative_prompt'],
  seed: ['seed', 'seed_locked'],
  size: ['width', 'height', 'custom_size'],
}

function without(values, keys) {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !keys.includes(key)))
}

/** True for the record of a picture, which says what drew it; a request says what was asked for. */
export function isRecord(source) {
  return 'device' in source
}

/**
 * Form values out of a picture or a task's request: all of them, or those of one of REUSABLE.
 *
 * The model stays "auto" unless the source names one; `model` is what is known of the one that drew it. A picture does
 * not tell which device was asked for: the form's stays.
 */
export function fromSource(source, { part, model } = {}) {
  const all = restoreSettings({
    ...source,
    edit: editOf(source),
    control: controlsOf(source),
    references: referencesOf(source),
    ...(source.init_image && { width: snapSide(source.width), height: snapSide(source.height) }),
    prompt: typeof source.prompt === 'string' ? toLiteral(source.prompt) : undefined,
    guidance_scale: adoptScale(source.guidance_scale, model),
    seed: source.seed === null || source.seed === undefined ? '' : String(source.seed),
    custom_size: false,
    seed_locked: true,
  })
  if (part) return Object.fromEntries(REUSABLE[part].map((key) => [key, all[key]]))
  return without(all, isRecord(source) ? ['use_gpu', 'choices_random'] : ['choices_random'])
}

/**
 * Values without a model that "auto" means as it is: a picture tells which model drew it, not that none was named.
 * `auto` is the id of that model.
 */
export function keepAuto(patch, settings, auto) {
  if (settings.model !== 'auto' || patch.model === undefined || patch.model !== auto) return patch
  return without(patch, ['model'])
}

function known(value) {
  return value !== null && value !== undefined
}

/**
 * Form values out of what a picture file of any program tells, as far as this form can carry them: sides on our
 * grid, steps and guidance within our range, and only a model that is among `models`.
 */
export function fromParameters(parameters, models) {
  const { prompt, negative_prompt: negative, width, height, num_inference_steps: steps, seed } = parameters
  const model = models.find(({ id }) => id === parameters.model)
  const scale = adoptScale(Math.min(GUIDANCE_MAX, parameters.guidance_scale ?? 0), model)
  return {
    ...(known(prompt) && { prompt: toLiteral(prompt) }),
    ...(known(negative) && { negative_prompt: negative }),
    ...(known(width) && known(height) && { width: snapSide(width), height: snapSide(height), custom_size: false }),
    ...(known(steps) && { num_inference_steps: Math.min(STEPS_MAX, Math.max(STEPS_MIN, steps)) }),
    ...(known(seed) && seed >= 0 && seed <= SEED_MAX && { seed: String(seed), seed_locked: true }),
    ...(scale !== null && { guidance_scale: scale }),
    ...(isShift(parameters.shift) && { shift: parameters.shift }),
    // A file that is read tells of LoRAs or has none: those of the form are not its.
    ...('loras' in parameters && { loras: restoreLoras(parameters.loras) }),
    ...(model && { model: model.id }),
  }
}

/** What a picture file does not tell of what this form would take over, by the names of the form's own texts. */
export function missingParts({ prompt, width, height, num_inference_steps: steps, seed }) {
  const told = { prompt: Boolean(prompt?.trim()), size: known(width) && known(height), steps: known(steps), seed: known(seed) }
  return Object.keys(told).filter((part) => !told[part])
}

/** The number of passes through the transformer: the last of N points of the schedule needs none. */
export function forwardsOf(steps) {
  return Math.max(1, steps - 1)
}

/** A random seed, short enough to read aloud. */
export function drawSeed() {
  return String(crypto.getRandomValues(new Uint32Array(1))[0])
}
