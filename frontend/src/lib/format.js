/** Milliseconds as seconds a person reads: 0.84 s, 12.3 s, 2 min 5 s. */
export function formatDuration(ms) {
  const seconds = ms / 1000
  if (seconds < 10) return `${seconds.toFixed(2)} s`
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)} min ${whole % 60} s`
}

/** A time to come, no more exact than it is known: 1 s, 45 s, 3 min. */
export function formatEta(seconds) {
  const whole = Math.max(1, Math.round(seconds))
  return whole < 90 ? `${whole} s` : `${Math.round(whole / 60)} min`
}

/** Gibibytes with one decimal where that says something. */
export function formatGb(value) {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1)
}

/** Bytes as the gigabytes in which downloads are counted. */
export function toGb(bytes) {
  return bytes / 1e9
}

/** Bytes in the unit that reads best. */
export function formatBytes(bytes) {
  if (bytes < 1024 * 1024) return `${Math.max(1, Math.round(bytes / 1024))} kB`
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`
}

const SHORT = { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }
const FULL = { dateStyle: 'medium', timeStyle: 'short' }
const formatters = new Map()

/** A formatter costs far more to make than to use, and a gallery needs the same one for every card. */
function formatterOf(language, style) {
  const key = `${language} ${style === SHORT}`
  if (!formatters.has(key)) formatters.set(key, new Intl.DateTimeFormat(language, style))
  return formatters.get(key)
}

function formatMoment(iso, language, style) {
  const date = new Date(iso)
  return Number.isNaN(date.getTime()) ? '' : formatterOf(language, style).format(date)
}

/** Day and time, short enough for a caption. */
export function formatShortDate(iso, language) {
  return formatMoment(iso, language, SHORT)
}

/** Date and time in the reader's language. */
export function formatDateTime(iso, language) {
  return formatMoment(iso, language, FULL)
}

const SHOWN_CHARACTERS = 40

/** The beginning of a text, to call something by. */
export function shorten(text) {
  const characters = [...text]
  return characters.length > SHOWN_CHARACTERS ? `${characters.slice(0, SHOWN_CHARACTERS - 1).join('')}…` : text
}
