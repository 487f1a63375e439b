import { CARD_PX, isCardPx } from './images/cards.js'
import { DEFAULT_PATTERN, FORMATS, PATTERN_MAX } from './images/filename.js'

/** What a person has chosen about this page, kept by the browser. Language, theme and mode have keys of their own. */
export const DEFAULT_PREFERENCES = Object.freeze({
  card_px: CARD_PX,
  format: 'png',
  pattern: DEFAULT_PATTERN,
  notify: false,
  sound: false,
  ask_purge: true,
})

const isBoolean = (value) => typeof value === 'boolean'
const VALID = {
  card_px: isCardPx,
  format: (value) => Object.hasOwn(FORMATS, value),
  pattern: (value) => typeof value === 'string' && value.length <= PATTERN_MAX,
  notify: isBoolean,
  sound: isBoolean,
  ask_purge: isBoolean,
}

/** Makes usable preferences of whatever was stored: what is missing or foreign falls back to its default. */
export function restorePreferences(stored) {
  const entries = Object.entries(DEFAULT_PREFERENCES).map(([name, fallback]) => [
    name,
    VALID[name](stored?.[name]) ? stored[name] : fallback,
  ])
  return Object.fromEntries(entries)
}

/** What a file of settings calls itself. */
const KIND = 'z-image-settings'

/** The text of a file that holds `choices`: `{language, theme, mode, preferences}`. */
export function toFile(choices) {
  return `${JSON.stringify({ kind: KIND, version: 1, ...choices }, null, 2)}\n`
}

/** The choices that such a file holds; null where it is none. */
export function fromFile(text) {
  try {
    const { kind, language, theme, mode, preferences } = JSON.parse(text)
    return kind === KIND ? { language, theme, mode, preferences: restorePreferences(preferences) } : null
  } catch {
    return null
  }
}
