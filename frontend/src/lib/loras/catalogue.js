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

/**
 * The LoRA that the form's `use` means: of its name, else the same file under another one. Undefined where neither is
 * here.
 */
export function loraOf(loras, use) {
  return loras.find(({ name }) => name === use.name) ?? loras.find((lora) => isSameFile(lora, use))
}

/**
 * What to know of a chosen LoRA before it is used, in the order of its weight: `{kind, text?}`. A `text` is the server's
 * own sentence. `model` is the one that draws.
 */
export function remarksOn(lora, model) {
  if (!lora) return [{ kind: 'missing' }]
  if (lora.problem) return [{ kind: 'problem', text: lora.problem }]
  const isPart = lora.matched > 0 && lora.matched < lora.of
  const isOther = Boolean(lora.base && model && lora.base !== model.id && !lora.role)
  return [
    lora.warning && { kind: isPart ? 'partly' : 'warning', text: lora.warning },
    !lora.warning && isPart && { kind: 'partly' },
    isOther && { kind: 'base' },
    lora.role && { kind: 'role' },
  ].filter(Boolean)
}

/** The settings that a LoRA's role or maker advises and that the form has not: `{num_inference_steps?, guidance_scale?}`. */
export function advice(lora, settings) {
  const { num_inference_steps: steps, guidance_scale: scale } = lora?.suggested ?? {}
  return {
    ...(Number.isInteger(steps) && steps !== settings.num_inference_steps && { num_inference_steps: steps }),
    ...(Number.isFinite(scale) && scale !== settings.guidance_scale && { guidance_scale: scale }),
  }
}
