const ID = /^[0-9a-f]{32}$/
const NAME = /^[a-z]{1,20}$/
/** As many pictures can be compared at once. */
export const MOST_COMPARED = 4

/** What the address can say is open, by the entry that says it. The first that makes sense counts. */
const READERS = {
  picture: (text) => (ID.test(text) ? text : null),
  compare: (text) => {
    const ids = text.split(',')
    const isSome = ids.length > 1 && ids.length <= MOST_COMPARED && new Set(ids).size === ids.length
    return isSome && ids.every((id) => ID.test(id)) ? ids : null
  },
  dialog: (text) => (NAME.test(text) ? text : null),
}

/** What an address's query says is open: `{picture: id}`, `{compare: [id, id, …]}`, `{dialog: name}`, or `{}`. */
export function parseOpened(search) {
  const params = new URLSearchParams(search)
  for (const [key, read] of Object.entries(READERS)) {
    const value = read(params.get(key) ?? '')
    if (value !== null) return { [key]: value }
  }
  return {}
}

/** Writes into an address's query what is open, and nothing else that would be; foreign entries stay. */
export function writeOpened(search, opened) {
  const params = new URLSearchParams(search)
  for (const key of Object.keys(READERS)) params.delete(key)
  const entries = Object.entries(opened).map(([key, value]) => `${key}=${[value].flat().join(',')}`)
  return [params.toString(), ...entries].filter(Boolean).join('&')
}

/** The address of the page on which a picture is open, for another tab. */
export function pictureAddress({ id, deleted_at: deletedAt }) {
  return `?${writeOpened(deletedAt ? 'trash=1' : '', { picture: id })}`
}
