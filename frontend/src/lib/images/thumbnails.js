import { CARD_PX, phoneColumns } from './cards.js'

/** The longest side of a thumbnail whose address names no width. */
const DEFAULT_PX = 384
/** Up to here the gallery has two columns, as ImageGallery.css says. */
const PHONE_PX = 575.98
/** How much wider than at least a card usually is; on a phone it is said to be smaller than it is, which halves what is loaded. */
const CARD_STRETCH = 1.19
const PHONE_GRID_PX = 256

/** The room of the usual copy, of which only the ratio matters: the page must not jump when one arrives. */
function roomOf({ width, height }) {
  const scale = Math.min(1, DEFAULT_PX / Math.max(width, height))
  return { width: Math.round(width * scale), height: Math.round(height * scale) }
}

function addressOf(image, width) {
  return `${image.thumbnail_url}?w=${width}`
}

/** The smallest copy of a picture, for where it is seen very small. `widths` are those that the server offers. */
export function smallestThumbnail(image, widths = []) {
  return widths.length > 0 ? addressOf(image, Math.min(...widths)) : image.thumbnail_url
}

/** A card is a square that its picture covers: a wide picture is drawn wider than the card. */
function sizesOf({ width, height }, cardPx) {
  const excess = Math.max(1, width / height)
  const [phone, wider] = [PHONE_GRID_PX / phoneColumns(cardPx), cardPx * CARD_STRETCH].map((px) => `${Math.round(px * excess)}px`)
  return `(max-width: ${PHONE_PX}px) ${phone}, ${wider}`
}

/**
 * What an `img` needs to load the copy of a picture that fits a card and the screen, with its room kept.
 *
 * `widths` are those that the server offers, `cardPx` is how wide a card is at least; no copy is wider than the picture.
 */
export function thumbnailProps(image, widths = [], cardPx = CARD_PX) {
  const room = roomOf(image)
  if (widths.length === 0) return { src: image.thumbnail_url, ...room }
  const sorted = widths.toSorted((a, b) => a - b)
  const srcSet = sorted.map((width) => `${addressOf(image, width)} ${Math.min(width, image.width)}w`).join(', ')
  return { src: addressOf(image, sorted[0]), srcSet, sizes: sizesOf(image, cardPx), ...room }
}
