/** Signs of other programs that nothing here knows: `<hypernet:name:0.8>` and the like, and weights as in `(fox:1.2)`. */
const FOREIGN = [/<(?:lyco|hypernet|embedding):[^<>\n]*>/gi, /\([^()\n]*:\s*\d*\.?\d+\s*\)/g]
const LIST_NAME = /__[\p{L}\p{N}-]+__/gu
/** More would be no hint any more. */
const MOST = 3

function found(prompt, patterns) {
  return [...new Set(patterns.flatMap((pattern) => prompt.match(pattern) ?? []))].slice(0, MOST)
}

/** The first of a prompt's parts that the model reads as plain words although they are written as more than that. */
export function plainParts(prompt) {
  return found(prompt, FOREIGN)
}

/** The first of a prompt's `__names__` that no list of `lists` has. */
export function unknownLists(prompt, lists) {
  return found(prompt, [LIST_NAME]).filter((name) => !Object.hasOwn(lists, name.slice(2, -2)))
}
