/** A1111's text about a picture: prompt, negative prompt, and a line of settings. Many programs write and read it. */
const SETTINGS_LINE = /^[ \t]*Steps:[ \t]*\d+[ \t]*,.*$/gm
const NEGATIVE = /^Negative prompt:/m
const FACT = /(\w[\w /-]{0,63}):[ \t]*("(?:[^"\\]|\\.)*"|[^,]*)(?:,|$)/g
/** `<lora:name:0.8>`, the strength left out for 1. */
const TAG = /[ \t]*<lora:([^<>:\n]+)(?::([+-]?\d*\.?\d+))?>/gi
const SIZE = /^(\d+)\s*x\s*(\d+)$/

/** A1111 counts guidance from 1, which is none; we count from 0. As the server's own texts do. */
const NO_CFG = 1

function unquoted(text) {
  try {
    return text?.startsWith('"') ? JSON.parse(text) : (text ?? null)
  } catch {
    return null
  }
}

function quoted(text) {
  return /[,:\n]/.test(text) ? JSON.stringify(text) : text
}

function toGuidance(text) {
  const scale = toNumber(text)
  return scale === null ? null : Math.max(0, scale - NO_CFG)
}

function toNumber(text) {
  return /^\d+(\.\d+)?$/.test(text ?? '') ? Number(text) : null
}

/** A prompt without the LoRAs that are called in it, and those. Calls that are written otherwise stay in the prompt. */
function takeTags(prompt) {
  const loras = [...prompt.matchAll(TAG)].map(([, name, strength = '1']) => ({ name: name.trim(), strength: Number(strength) }))
  if (loras.length === 0) return { prompt: prompt.trim(), loras }
  const words = prompt.replace(TAG, '').replace(/,(?:\s*,)+/g, ',') // The commas around them go with them.
  return { prompt: words.replace(/^[\s,]+|[\s,]+$/g, ''), loras }
}

/** What such a text tells, named as the API names it, null for what it does not; or null where it is none. */
export function parseInfotext(text) {
  const plain = text.replaceAll('\r\n', '\n').trim()
  const line = [...plain.matchAll(SETTINGS_LINE)].at(-1)
  if (!line) return null
  const words = plain.slice(0, line.index)
  const [prompt, ...negative] = words.split(NEGATIVE)
  const facts = Object.fromEntries([...line[0].matchAll(FACT)].map(([, key, value]) => [key.trim(), value.trim()]))
  const [, width, height] = SIZE.exec(facts.Size ?? '') ?? []
  return {
    ...takeTags(prompt),
    negative_prompt: negative.join('').trim() || null,
    width: toNumber(width),
    height: toNumber(height),
    num_inference_steps: toNumber(facts.Steps),
    seed: toNumber(facts.Seed),
    guidance_scale: toGuidance(facts['CFG scale']),
    shift: toNumber(facts.Shift),
    model: unquoted(facts.Model),
  }
}

/** The LoRAs of a picture as A1111 writes them, behind the prompt. */
function loraTags(loras) {
  return (loras ?? []).map(({ name, strength }) => ` <lora:${name}:${strength}>`).join('')
}

/** Writes what is known of a picture as such a text. */
export function toInfotext(image) {
  const facts = {
    Steps: image.num_inference_steps,
    'CFG scale': (image.guidance_scale ?? 0) + NO_CFG,
    Shift: image.shift,
    Seed: image.seed,
    Size: `${image.width}x${image.height}`,
    Model: quoted(image.model),
  }
  const known = Object.entries(facts).filter(([, value]) => value !== null && value !== undefined)
  const negative = image.negative_prompt && `Negative prompt: ${image.negative_prompt}`
  return [image.prompt + loraTags(image.loras), negative, known.map(([key, value]) => `${key}: ${value}`).join(', ')].filter(Boolean).join('\n')
}
