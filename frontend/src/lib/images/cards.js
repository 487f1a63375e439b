/** How wide a card of the gallery is at least, in a window that has room for several. */
export const CARD_PX = 168
export const CARD_MIN_PX = 112
export const CARD_MAX_PX = 400
export const CARD_STEP_PX = 8

/** Below and above these a phone has another number of columns than two. */
const PHONE_SMALL_PX = 144
const PHONE_LARGE_PX = 256

export function isCardPx(value) {
  return Number.isInteger(value) && value >= CARD_MIN_PX && value <= CARD_MAX_PX
}

/** How many cards stand beside each other on a phone, which has no room for widths. */
export function phoneColumns(cardPx) {
  if (cardPx < PHONE_SMALL_PX) return 3
  return cardPx <= PHONE_LARGE_PX ? 2 : 1
}
