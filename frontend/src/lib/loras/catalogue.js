import { scaleOf } from '../generate/guidance.js'

/** How a list of LoRAs can be sorted. */
export const SORTS = ['name', 'newest']

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

/** What a person calls it. */
export function titleOf({ title, name }) {
  return title || name
}

const ORDERS = {
  name: (one, other) => collator.compare(titleOf(one), titleOf(other)),
  newest: (one, other) => String(other.modified_at ?? '').localeCompare(String(one.modified_at ?? '')),
}

function textOf({ name, title, tags = [], trigger_words: words = [] }) {
  return [name, title, ...tags, ...words].filter(Boolean).join('\n').toLowerCase()
}

/** The LoRAs in which every word of a search occurs (name, title, tags, trigger words), sorted; unusable ones last. */
export function findLoras(loras, { search = '', sort = 'name' } = {}) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const found = loras.filter((lora) => words.every((word) => textOf(lora).includes(word)))
  return found.toSorted((one, other) => Boolean(one.problem) - Boolean(other.problem) || ORDERS[sort](one, other))
}

function isSameFile(lora, { sha256, short_hash: short }) {
  if (!lora.sha256) return false
  return lora.sha256 === sha256 || Boolean(short && lora.sha256.startsWith(short))
}

/** Whether the file of this name is another one than the one that is meant, as far as that is known. */
function isChanged(lora, { sha256 }) {
  return Boolean(lora.sha256 && sha256 && lora.sha256 !== sha256)
}

/**
 * The LoRA that the form's `use` means: of its name, unless the same file has another one. Undefined where neither is
 * here.
 */
export function loraOf(loras, use) {
  const named = loras.find(({ name }) => name === use.name)
  if (named && !isChanged(named, use)) return named
  return loras.find((lora) => isSameFile(lora, use)) ?? named
}

/** The members of the family, which LoRAs are trained on. */
const MEMBERS = ['z-image-turbo', 'z-image', 'zimage-nano']

/** Whether a LoRA was trained on another member of the family than the one that draws, as far as both are known. */
function isForAnother({ base, role }, model) {
  const member = model?.member ?? model?.id
  return !role && base !== member && MEMBERS.includes(base) && MEMBERS.includes(member)
}

/**
 * What to know of a LoRA that `use` means before it is used: `{kind, text?}`. A `text` is the server's own sentence, which
 * is English, knows more than we do, and is left out where another language says the same. `model` is the one that draws.
 */
export function remarksOn(lora, use, model, { inEnglish }) {
  if (!lora) return [{ kind: 'missing' }]
  if (isChanged(lora, use)) return [{ kind: 'changed' }]
  if (lora.problem) return [{ kind: 'problem', text: lora.problem }]
  const own = [lora.matched > 0 && lora.matched < lora.of && 'partly', lora.role && 'role'].filter(Boolean)
  const isSaid = lora.warning && (inEnglish || own.length === 0)
  const said = isSaid ? [{ kind: 'warning', text: lora.warning }] : own.map((kind) => ({ kind }))
  return isForAnother(lora, model) ? [...said, { kind: 'base' }] : said
}

/**
 * The settings that a LoRA's role advises and that the form has not: `{num_inference_steps?, guidance_scale?}`. Guidance
 * is the business of models that have it.
 */
export function advice(lora, settings, model) {
  const { num_inference_steps: steps, guidance_scale: scale } = lora?.suggested ?? {}
  const isOff = Number.isFinite(scale) && model?.guidance && scale !== scaleOf(settings, model)
  return {
    ...(Number.isInteger(steps) && steps !== settings.num_inference_steps && { num_inference_steps: steps }),
    ...(isOff && { guidance_scale: scale }),
  }
}
