const OPEN = /<lora:([^<>:\n]*)$/i
const REST = /^[^<>:,\s]*(?::[^<>:,\s]*)?>/
const MOST = 8

/** The `<lora:…` that is being written at the caret: `{from, typed}`, or null. */
export function openTag(text, caret) {
  const found = OPEN.exec(text.slice(0, caret))
  return found && { from: found.index, typed: found[1] }
}

/** Names that what was typed can become, those that begin with it first. What cannot stand in a tag is left out. */
export function suggest(loras, typed) {
  const wanted = typed.trim().toLowerCase()
  const fits = ({ name, problem }) => !problem && !/[<>:\n]/.test(name)
  const ranks = loras.filter(fits).map((lora) => {
    const [name, title] = [lora.name.toLowerCase(), (lora.title ?? '').toLowerCase()]
    if (name.startsWith(wanted)) return [0, lora]
    return [name.includes(wanted) || title.includes(wanted) ? 1 : -1, lora]
  })
  const found = ranks.filter(([rank]) => rank >= 0).toSorted(([one], [other]) => one - other)
  return found.slice(0, MOST).map(([, lora]) => lora)
}

/** A text with the open tag finished: `{text, caret}`. A tag that was whole already keeps its strength. */
export function finishTag(text, caret, { name, strength }) {
  const { from } = openTag(text, caret)
  const after = text.slice(caret)
  const [rest = ''] = REST.exec(after) ?? []
  const kept = /:([^<>:]*)>$/.exec(rest)?.[1]
  const tag = `<lora:${name}:${kept || strength}>`
  return { text: text.slice(0, from) + tag + after.slice(rest.length), caret: from + tag.length }
}
