/** A pause this long ends what one step of undoing takes back. */
const PAUSE_MS = 1000

/** Where two texts differ: `from` the first different character, to the ends of the difference in each. */
export function differenceOf(before, after) {
  const shorter = Math.min(before.length, after.length)
  let from = 0
  while (from < shorter && before[from] === after[from]) from += 1
  let same = 0
  while (same < shorter - from && before.at(-1 - same) === after.at(-1 - same)) same += 1
  return { from, beforeEnd: before.length - same, afterEnd: after.length - same }
}

/** Whether a keystroke writes, or deletes, where the last one did, and begins no new word. */
function isBeside(last, step, before) {
  if (step.deletes) return step.from === last.from || step.from + step.size === last.from
  const startsWord = /\s/.test(before[step.from - 1] ?? '') && !/\s/.test(step.after[step.from])
  return step.from === last.from + last.size && !startsWord
}

/**
 * A step of typing, which undo takes back at once: its texts `before` and `after`, and what the next one asks for.
 * `composition` is the number of that of an input method, 0 for none.
 *
 * It takes `last`, the step before, into itself when both are of the same composition of an input method, or are
 * keystrokes at the same place, without a pause, within a word. What is pasted or cleared is a step of its own.
 */
export function typingStep(last, before, after, { at, composition = 0 }) {
  const { from, beforeEnd, afterEnd } = differenceOf(before, after)
  const deletes = afterEnd === from
  const changed = deletes ? before.slice(from, beforeEnd) : after.slice(from, afterEnd)
  const isKey = [...changed].length === 1 && (deletes || beforeEnd === from)
  const step = { before, after, at, from, size: changed.length, deletes, isKey, composition }
  if (last?.after !== before) return step
  const isSoon = last.isKey && isKey && at - last.at < PAUSE_MS && last.deletes === deletes
  const isTyped = isSoon && last.composition === 0 && isBeside(last, step, before)
  const goesOn = composition ? last.composition === composition : isTyped
  return goesOn ? { ...step, before: last.before } : step
}
