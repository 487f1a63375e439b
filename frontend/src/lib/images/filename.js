/** What downloads can be: the end of their names, and what the browser calls them. */
export const FORMATS = { png: 'image/png', jpg: 'image/jpeg', webp: 'image/webp' }

export const DEFAULT_PATTERN = '{name}'
export const PATTERN_MAX = 120
const PROMPT_CHARS = 60
const STEM_CHARS = 120

// What one system or another refuses in a name.
// eslint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u001f\u007f<>:"/\\|?*]+/g
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)$/i

function localParts(iso) {
  const date = new Date(iso)
  const two = (number) => String(number).padStart(2, '0')
  return {
    date: `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
    time: [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join('-'),
  }
}

function shorten(text, most) {
  return [...text].slice(0, most).join('')
}

/** The words that a pattern may hold in braces, and what they are of a picture. */
export function wordsOf(image) {
  return {
    name: image.filename.replace(/\.[^.]*$/, ''),
    ...localParts(image.created_at),
    prompt: shorten(image.prompt.replace(/\s+/g, ' ').trim(), PROMPT_CHARS),
    seed: image.seed,
    model: image.model,
    width: image.width,
    height: image.height,
    steps: image.num_inference_steps,
  }
}

/** The name under which a picture is saved, which every system takes. */
export function filenameOf(image, pattern, format) {
  const words = wordsOf(image)
  const filled = pattern.replace(/\{(\w+)\}/g, (whole, word) => (Object.hasOwn(words, word) ? words[word] : whole))
  const safe = shorten(filled.replace(UNSAFE, '-'), STEM_CHARS).replace(/^[\s.]+|[\s.]+$/g, '')
  const stem = safe === '' || RESERVED.test(safe) ? words.name : safe
  return `${stem}.${format}`
}
