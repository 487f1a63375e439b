/** More prompts than this are more likely a slip than a wish. */
export const MAX_PROMPTS = 64

const LIST_NAME = /__([\p{L}\p{N}-]+)__/gu

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

/** The first `{…|…}` of a text. Braces without a bar are part of the prompt. */
function findChoice(text) {
  for (let open = text.indexOf('{'); open >= 0; open = text.indexOf('{', open + 1)) {
    const close = closingBrace(text, open)
    if (close < 0) continue
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

function* walk(text) {
  const choice = findChoice(text)
  if (!choice) {
    yield text
    return
  }
  const { before, options, after } = choice
  for (const option of options) yield* walk(before + option + after)
}

function tidy(prompt) {
  return prompt.replace(/[ \t]{2,}/g, ' ').trim()
}

/**
 * Every prompt that a text with choices stands for, in reading order: `a {red|blue} fox` is two.
 *
 * Answers at most one more than MAX_PROMPTS, which says that there are too many.
 */
export function expandPrompt(text, lists = {}) {
  const prompts = new Set()
  for (const prompt of walk(insertLists(text, lists))) {
    prompts.add(tidy(prompt))
    if (prompts.size > MAX_PROMPTS) break
  }
  return [...prompts].filter(Boolean)
}

/** Makes a usable list of what a person typed: one entry a line or between bars. */
export function parseList(text) {
  return text
    .split(/[\n|]/)
    .map((entry) => entry.trim())
    .filter(Boolean)
}
