const SEPARATORS = ',，、'

const plain = (text) => text.toLowerCase().replace(/\s+/g, ' ').trim()

/** A character that words are made of, so that what begins or ends beside it is a part of another word. */
const isWordy = (character) => /[\p{L}\p{N}]/u.test(character ?? '') && !/\p{Script=Han}/u.test(character)

/** The place of a phrase in a text as words of its own, or −1. */
function placeOf(text, phrase) {
  for (let at = text.indexOf(phrase); at >= 0; at = text.indexOf(phrase, at + 1)) {
    const isCut = isWordy(text[at - 1]) && isWordy(phrase[0])
    const goesOn = isWordy(text[at + phrase.length]) && isWordy(phrase.at(-1))
    if (!isCut && !goesOn) return at
  }
  return -1
}

/** Whether a trigger word is in a prompt, whatever its case and spaces. */
export function hasTrigger(prompt, trigger) {
  return placeOf(plain(prompt), plain(trigger)) >= 0
}

/** A prompt with a trigger word at its end. */
export function withTrigger(prompt, trigger) {
  const text = prompt.trimEnd()
  if (text === '') return trigger
  return SEPARATORS.includes(text.at(-1)) ? `${text} ${trigger}` : `${text}, ${trigger}`
}

/** A prompt without a trigger word where it stands as it is written, and without one of the commas around it. */
export function withoutTrigger(prompt, trigger) {
  const at = placeOf(prompt.toLowerCase(), trigger.toLowerCase())
  if (at < 0) return prompt
  const before = prompt.slice(0, at).trimEnd()
  const after = prompt.slice(at + trigger.length)
  if (SEPARATORS.includes(before.at(-1) ?? ' ')) return before.slice(0, -1) + after
  const rest = after.replace(/^\s*[,，、]?\s*/, '')
  return before === '' || rest === '' ? before + rest : `${before} ${rest}`
}
