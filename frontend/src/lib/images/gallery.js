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
const DATE = /^\d{4}-\d{2}-\d{2}$/
/** A change of one of these shows another list. */
const FILTERS = ['q', 'favourite', 'tag', 'model', 'from', 'to']

function parse(key, text) {
  const fallback = GALLERY_DEFAULTS[key]
  if (text === null) return fallback
  if (key === 'page') return /^[1-9]\d{0,6}$/.test(text) ? Number(text) : fallback
  if (key in CHOICES) return CHOICES[key].includes(text) ? text : fallback
  if (key === 'from' || key === 'to') return DATE.test(text) ? text : fallback
  return typeof fallback === 'boolean' ? text === '1' : text.slice(0, 200)
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
  return new Date(`${day}T${time}`).toISOString()
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
