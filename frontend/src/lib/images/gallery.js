/** What the gallery shows, as it stands in the address. */
export const GALLERY_DEFAULTS = Object.freeze({
  page: 1,
  q: '',
  favourite: false,
  tag: '',
  model: '',
  from: '',
  to: '',
  sort: 'newest',
  trash: false,
  view: 'pages',
})

const CHOICES = { sort: ['newest', 'oldest'], view: ['pages', 'scroll'] }
const DATE = /^(?!0000)\d{4}-\d{2}-\d{2}$/
/** The longest text of each filter that the server takes. */
const LONGEST = { q: 200, tag: 50, model: 100 }
/** The first and the last moment that the server can tell. */
const MOMENTS = ['0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z']
/** A change of one of these shows another list. */
const FILTERS = ['q', 'favourite', 'tag', 'model', 'from', 'to']

/** True for a day of the calendar: 2026-02-30 is none. */
function isDay(text) {
  const date = new Date(`${text}T00:00:00Z`)
  return DATE.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

/** A text that is no longer than that, without half a character at its end. */
function cut(text, length) {
  return [...text].slice(0, length).join('')
}

function parse(key, text) {
  const fallback = GALLERY_DEFAULTS[key]
  if (text === null) return fallback
  if (key === 'page') return /^[1-9]\d{0,6}$/.test(text) ? Number(text) : fallback
  if (key in CHOICES) return CHOICES[key].includes(text) ? text : fallback
  if (key === 'from' || key === 'to') return isDay(text) ? text : fallback
  return typeof fallback === 'boolean' ? text === '1' : cut(text, LONGEST[key])
}

/** Reads an address's query; what makes no sense is as if it were not there. */
export function parseGallery(search) {
  const params = new URLSearchParams(search)
  return Object.fromEntries(Object.keys(GALLERY_DEFAULTS).map((key) => [key, parse(key, params.get(key))]))
}

/** Writes into an address's query what differs from the defaults; foreign entries stay. */
export function writeGallery(search, gallery) {
  const params = new URLSearchParams(search)
  for (const [key, fallback] of Object.entries(GALLERY_DEFAULTS)) {
    const value = gallery[key]
    if (value === fallback) params.delete(key)
    else params.set(key, value === true ? '1' : String(value))
  }
  return params.toString()
}

/** Days of this place as moments: `from` begins with the day, `to` ends with it. */
function moment(day, time) {
  const date = new Date(`${day}T${time}`)
  const year = date.getUTCFullYear() // The first and the last day reach beyond, seen from other time zones.
  if (year < 1) return MOMENTS[0]
  return year > 9999 ? MOMENTS[1] : date.toISOString()
}

/** The query of GET /api/history, without what says nothing. */
export function toHistoryQuery({ q, favourite, tag, model, from, to, sort, trash }) {
  const query = {
    q: q.trim() || undefined,
    favourite: favourite || undefined,
    tag: tag || undefined,
    model: model || undefined,
    from: from ? moment(from, '00:00:00') : undefined,
    to: to ? moment(to, '23:59:59.999') : undefined,
    sort: sort === GALLERY_DEFAULTS.sort ? undefined : sort,
    trash: trash || undefined,
  }
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined))
}

/** True while something narrows the list. */
export function isFiltered(gallery) {
  return FILTERS.some((key) => gallery[key] !== GALLERY_DEFAULTS[key])
}

/** The gallery after a change. Another list starts at its first page. */
export function changeGallery(gallery, patch) {
  return { ...gallery, page: GALLERY_DEFAULTS.page, ...patch }
}

/** Without any filter, but in the same view. */
export function clearFilters(gallery) {
  return changeGallery(gallery, Object.fromEntries(FILTERS.map((key) => [key, GALLERY_DEFAULTS[key]])))
}
