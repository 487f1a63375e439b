export const LORAS_MAX = 16
/** What the server takes; the slider shows less, see STRENGTH_RANGES. */
export const STRENGTH_MAX = 10
export const STRENGTH_STEP = 0.05
/** From the usual to the whole: the first that holds a strength is its slider's. */
export const STRENGTH_RANGES = [
  [0, 1.5],
  [-2, 2],
  [-STRENGTH_MAX, STRENGTH_MAX],
]
const STRENGTH_DEFAULT = 1

const DIGEST = /^[0-9a-f]{8,64}$/
const DIGESTS = ['sha256', 'short_hash']

/** One list for all that have none: it is the same as before. */
export const NO_LORAS = Object.freeze([])

/** The strength that the maker of a LoRA advises, else the usual one. */
export function advisedStrength(lora) {
  return lora?.suggested?.strength ?? STRENGTH_DEFAULT
}

/** A LoRA of the form: one that is not `on` stays there and is not sent. */
export function newLora(lora) {
  return { name: lora.name, strength: advisedStrength(lora), start: 0, end: 1, on: true }
}

/** The range of the slider on which a strength can be seen. */
export function rangeOf(strength) {
  return STRENGTH_RANGES.find(([min, max]) => strength >= min && strength <= max) ?? STRENGTH_RANGES.at(-1)
}

const within = (value, min, max, fallback) => (typeof value === 'number' && value >= min && value <= max ? value : fallback)

function digestsOf(stored) {
  const known = DIGESTS.filter((key) => typeof stored[key] === 'string' && DIGEST.test(stored[key]))
  return Object.fromEntries(known.map((key) => [key, stored[key]]))
}

function restoreLora(stored) {
  const start = within(stored.start, 0, 0.95, 0)
  return {
    name: stored.name,
    strength: within(stored.strength, -STRENGTH_MAX, STRENGTH_MAX, STRENGTH_DEFAULT),
    start,
    end: within(stored.end, start + Number.EPSILON, 1, 1),
    on: stored.on !== false,
    ...digestsOf(stored),
  }
}

/** Makes usable LoRAs of whatever the browser stored, or a record holds; each name once. */
export function restoreLoras(stored) {
  if (!Array.isArray(stored)) return NO_LORAS
  const named = stored.filter((one) => typeof one?.name === 'string' && one.name !== '')
  const first = named.filter((one, at) => named.findIndex(({ name }) => name === one.name) === at)
  return first.length > 0 ? first.slice(0, LORAS_MAX).map(restoreLora) : NO_LORAS
}

/** What of a request's body the LoRAs are; nothing where none is on. */
export function loraRequest(loras) {
  const sent = loras.filter(({ on }) => on).map(({ name, strength, start, end, ...rest }) => ({ name, strength, start, end, ...digestsOf(rest) }))
  return sent.length > 0 ? { loras: sent } : {}
}

/** The LoRAs of the form with one more, or without it where it is there already. */
export function toggleLora(loras, lora) {
  if (loras.some(({ name }) => name === lora.name)) return loras.filter(({ name }) => name !== lora.name)
  return loras.length < LORAS_MAX ? [...loras, newLora(lora)] : loras
}

/** The strength in as few digits as it has. */
export function strengthText(strength) {
  return String(Math.round(strength * 1000) / 1000)
}
