/** More prompts than this are more likely a slip than a wish. */
export const MAX_PROMPTS = 64
/** Many choices that give few different prompts must end, too. */
const MAX_WALKED = 64 * MAX_PROMPTS

const LIST_NAME = /__([\p{L}\p{N}-]+)__/gu
/** How a JSON object begins: its bars belong to its texts. */
const JSON_OBJECT = /\{\s*"(?:[^"\\]|\\.)*"\s*:/sy

/** Stand for braces and bars that are no signs: characters that Unicode keeps out of all texts. */
const PLAIN = { '{': '\ufdd0', '|': '\ufdd1', '}': '\ufdd2' }
const SIGNS = Object.fromEntries(Object.entries(PLAIN).map(([sign, plain]) => [plain, sign]))

/** Takes `\{`, `\|` and `\}` out of the play. Before such a sign `\\` is a plain backslash; elsewhere nothing changes. */
function hideEscaped(text) {
  return text.replace(/(\\+)([{|}])/g, (_, slashes, sign) => {
    const isPlain = slashes.length % 2 === 1
    return slashes.slice(0, slashes.length >> 1) + (isPlain ? PLAIN[sign] : sign)
  })
}

function showEscaped(text) {
  return text.replace(/[\ufdd0-\ufdd2]/g, (plain) => SIGNS[plain])
}

function isJsonObject(text, open) {
  JSON_OBJECT.lastIndex = open
  return JSON_OBJECT.test(text)
}

/** The place of the brace that closes the one at `open`, or −1. */
function closingBrace(text, open) {
  let depth = 0
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1
    if (text[at] === '}') depth -= 1
    if (depth === 0) return at
  }
  return -1
}

/** Splits at the bars that stand in no inner braces. */
function splitAtBars(text) {
  const parts = ['']
  let depth = 0
  for (const char of text) {
    if (char === '{') depth += 1
    if (char === '}') depth -= 1
    if (char === '|' && depth === 0) parts.push('')
    else parts[parts.length - 1] += char
  }
  return parts
}

/** The first `{…|…}` of a text. Braces without a bar, and those of a JSON object, are part of the prompt. */
function findChoice(text) {
  for (let open = text.indexOf('{'); open >= 0; open = text.indexOf('{', open + 1)) {
    const close = closingBrace(text, open)
    if (close < 0 || isJsonObject(text, open)) continue
    const options = splitAtBars(text.slice(open + 1, close))
    if (options.length > 1) return { before: text.slice(0, open), options, after: text.slice(close + 1) }
  }
  return null
}

/** Writes saved lists as choices: `__name__` becomes `{a|b|c}`. Unknown names stay as they are. */
function insertLists(text, lists) {
  return text.replace(LIST_NAME, (whole, name) => {
    const entries = Object.hasOwn(lists, name) ? lists[name] : []
    return entries.length > 0 ? `{${entries.join('|')}}` : whole
  })
}

/** Joins two parts; where both have spaces at the seam, one part's are enough: an empty choice leaves no gap. */
function join(left, right) {
  return /[ \t]$/.test(left) ? left + right.replace(/^[ \t]+/, '') : left + right
}

function* walk(text) {
  const choice = findChoice(text)
  if (!choice) {
    yield text
    return
  }
  const { before, options, after } = choice
  for (const option of new Set(options)) yield* walk(join(join(before, option), after))
}

/**
 * Every prompt that a text with choices stands for, in reading order: `a {red|blue} fox` is two. A text without any
 * is one prompt, as it is.
 *
 * Answers at most one more than MAX_PROMPTS, which says that there are too many.
 */
export function expandPrompt(text, lists = {}) {
  const prompts = new Set()
  let walked = 0
  for (const prompt of walk(hideEscaped(insertLists(text, lists)))) {
    prompts.add(showEscaped(prompt))
    walked += 1
    if (prompts.size > MAX_PROMPTS || walked >= MAX_WALKED) break
  }
  return [...prompts].filter((prompt) => prompt.trim())
}

/** One of the prompts that a text with choices stands for, each choice drawn by `random`, a function like Math.random. */
export function drawPrompt(text, lists = {}, random = Math.random) {
  let drawn = hideEscaped(insertLists(text, lists))
  for (let choice = findChoice(drawn); choice; choice = findChoice(drawn)) {
    const { before, options, after } = choice
    drawn = join(join(before, options[Math.floor(random() * options.length)]), after)
  }
  return showEscaped(drawn)
}

/** Writes a prompt as it stands, its braces and bars escaped. */
export function escapeChoices(prompt) {
  return prompt.replace(/(\\*)([{|}])/g, (_, slashes, sign) => `${slashes}${slashes}\\${sign}`)
}

/** Writes a prompt that is meant as it stands: its braces and bars escaped where they would be choices. */
export function toLiteral(prompt) {
  const prompts = expandPrompt(prompt)
  if (!prompt.trim() || (prompts.length === 1 && prompts[0] === prompt)) return prompt
  return escapeChoices(prompt)
}

/** Makes a usable list of what a person typed: one entry a line or between bars. */
export function parseList(text) {
  return text
    .split(/\n|(?<!\\)\|/)
    .map((entry) => entry.trim())
    .filter(Boolean)
}
