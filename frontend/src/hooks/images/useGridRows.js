import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useLayoutEffect, useState } from 'react'

import { CARD_PX, phoneColumns } from '../../lib/images/cards.js'
import { usePreferences } from '../kept/usePreferences.js'
import { SCROLL_PAGE_SIZE } from './useHistory.js'

const GAP_PX = 14
const PHONE_PX = 480
/** Two lines of text beneath each picture, and the gap to the next row. */
const CAPTION_PX = 70

/** How many cards stand beside each other, and how wide each is. */
export function columnsOf(width, cardPx = CARD_PX) {
  const fitting = Math.max(1, Math.floor((width + GAP_PX) / (cardPx + GAP_PX)))
  const columns = width < PHONE_PX ? phoneColumns(cardPx) : fitting
  return { columns, card: (width - (columns - 1) * GAP_PX) / columns }
}

/** Where an element stands on the page, and how wide it is, as both change. */
function usePlace(ref) {
  const [place, setPlace] = useState({ top: 0, width: 0 })
  useLayoutEffect(() => {
    const element = ref.current
    const measure = () => {
      const { top, width } = element.getBoundingClientRect()
      const next = { top: Math.round(top + window.scrollY), width: Math.round(width) }
      setPlace((now) => (now.top === next.top && now.width === next.width ? now : next))
    }
    const observer = new ResizeObserver(measure)
    observer.observe(document.body)
    observer.observe(element)
    measure()
    return () => observer.disconnect()
  }, [ref])
  return place
}

/**
 * The rows of a long grid that are in sight, the way to any other, and the pages of the history that hold their pictures.
 *
 * The grid is the element of `ref`, and begins with picture number `start` of all.
 */
export function useGridRows(ref, total, start) {
  const { top, width } = usePlace(ref)
  const [{ card_px: cardPx }] = usePreferences()
  const { columns, card } = columnsOf(width, cardPx)
  const rowHeight = card + CAPTION_PX
  const virtualizer = useWindowVirtualizer({
    count: width > 0 ? Math.ceil(total / columns) : 0,
    estimateSize: () => rowHeight,
    overscan: 2,
    scrollMargin: top,
  })
  useLayoutEffect(() => virtualizer.measure(), [virtualizer, rowHeight])
  const rows = virtualizer.getVirtualItems().map(({ index, start: offset }) => ({
    index,
    offset: offset - top,
    indices: Array.from({ length: Math.min(columns, total - index * columns) }, (_, at) => index * columns + at),
  }))
  const indices = rows.flatMap((row) => row.indices)
  const pages = [...new Set(indices.map((index) => Math.floor((index + start) / SCROLL_PAGE_SIZE) + 1))]
  const scrollTo = (index) => virtualizer.scrollToIndex(Math.floor(Math.max(0, index - start) / columns), { align: 'center' })
  return { rows, pages, columns, height: virtualizer.getTotalSize(), scrollTo }
}
