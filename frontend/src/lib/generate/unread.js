const SHOWN = 24

/** The end of a prompt that its model does not read, `''` if it reads all of it or nobody knows; `count` is useTokenCount's. */
export function unreadPart(prompt, count) {
  if (!count?.truncated) return ''
  const own = prompt.trimStart()
  return own.startsWith(count.read) ? own.slice(count.read.length).trimEnd() : ''
}

/** How a text begins: its first words, or characters where words are long. */
export function firstWords(text) {
  const characters = [...text.trimStart()]
  if (characters.length <= SHOWN) return characters.join('')
  const start = characters.slice(0, SHOWN).join('')
  const space = start.lastIndexOf(' ')
  return `${space > SHOWN / 2 ? start.slice(0, space) : start}…`
}
