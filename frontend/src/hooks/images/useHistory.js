import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query'

import { toHistoryQuery } from '../../lib/images/gallery.js'
import { fetchHistory } from '../../services/api.js'

export const PAGE_SIZE = 20
/** The endless list asks for more at a time. */
export const SCROLL_PAGE_SIZE = 60

/** How many pictures the gallery asks for at a time, in the way it is seen. */
export function pageSizeOf({ view }) {
  return view === 'scroll' ? SCROLL_PAGE_SIZE : PAGE_SIZE
}

/** The query of one page of the history. */
export function historyQuery(filter, page, pageSize) {
  return {
    queryKey: ['history', filter, pageSize, page],
    queryFn: ({ signal }) => fetchHistory({ ...filter, page, page_size: pageSize }, { signal }),
  }
}

/** One page of the gallery. */
export function useHistory(gallery) {
  return useQuery({
    ...historyQuery(toHistoryQuery(gallery), gallery.page, PAGE_SIZE),
    placeholderData: keepPreviousData,
  })
}

/**
 * Some pages of the history, those in sight of the endless list for example, as queries in the order of `pages`.
 *
 * Each is a query of its own: a new picture asks anew for what is seen, not for all that was scrolled past.
 */
export function useHistoryPages(gallery, pages) {
  const filter = toHistoryQuery(gallery)
  return useQueries({ queries: pages.map((page) => historyQuery(filter, page, pageSizeOf(gallery))) })
}
