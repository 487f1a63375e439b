import { CARD_PX, isCardPx } from './images/cards.js'

/** What a person has chosen about this page, kept by the browser. Language and theme have keys of their own. */
export const DEFAULT_PREFERENCES = Object.freeze({
  card_px: CARD_PX,
})

const VALID = {
  card_px: isCardPx,
}

/** Makes usable preferences of whatever was stored: what is missing or foreign falls back to its default. */
export function restorePreferences(stored) {
  const entries = Object.entries(DEFAULT_PREFERENCES).map(([name, fallback]) => [
    name,
    VALID[name](stored?.[name]) ? stored[name] : fallback,
  ])
  return Object.fromEntries(entries)
}
