import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useMemo, useState } from 'react'

import { toHistoryQuery } from '../../../lib/images/gallery.js'
import { isSameStep, pagesAround, stepIn } from '../../../lib/images/walk.js'
import { locate } from './locate.js'
import { historyQuery, pageSizeOf, useHistoryPages } from '../useHistory.js'

/** Where the pages that have been loaded hold a picture: the one that was clicked is in one of them. */
function findLoaded(queryClient, filter, pageSize, id) {
  for (const [key, data] of queryClient.getQueriesData({ queryKey: ['history', filter, pageSize] })) {
    const at = data?.images.findIndex((image) => image.id === id) ?? -1
    if (at >= 0) return { index: (key.at(-1) - 1) * pageSize + at, total: data.total }
  }
  return null
}

/** The step while there is one, else the last that was: what is looked at stays while the list is asked for anew. */
function useLastStep(step) {
  const [last, setLast] = useState(step)
  if (step && !isSameStep(last, step)) setLast(step)
  return step ?? last
}

/** Asks the server where a picture is that is on none of the pages where it should be. */
function useWhereabouts(filter, pageSize, id, enabled) {
  const queryClient = useQueryClient()
  const { data, isFetching } = useQuery({
    queryKey: ['place', filter, pageSize, id],
    queryFn: ({ signal }) => {
      const fetchPage = (page) => queryClient.fetchQuery({ ...historyQuery(filter, page, pageSize), staleTime: 0 })
      return locate(id, filter, pageSize, { fetchPage, signal })
    },
    enabled,
    staleTime: 0,
    gcTime: 0,
  })
  return enabled && !isFetching ? data : undefined
}

/**
 * The place of a picture in all that the gallery's filters find, and its neighbours.
 *
 * The pages around it are here before they are needed. It is known by its id: newer pictures and deleted ones move its
 * place, not the view. `step` is null until it is found; see stepIn. `missing` is "gone" or "moved", in or out of the
 * trash, where it is not what the gallery could show.
 */
export function useWalk(gallery, id) {
  const queryClient = useQueryClient()
  const filter = useMemo(() => toHistoryQuery(gallery), [gallery])
  const pageSize = pageSizeOf(gallery)
  const [place, setPlace] = useState(() => findLoaded(queryClient, filter, pageSize, id))
  const pages = pagesAround(place, pageSize)
  const queries = useHistoryPages(gallery, pages)
  const held = new Map(pages.map((page, at) => [page, queries[at].data]))
  const pageOf = (index) => Math.floor(index / pageSize) + 1
  const pictureAt = (index) => (index < 0 ? undefined : held.get(pageOf(index))?.images[index % pageSize])

  const page = pages.find((number) => held.get(number)?.images.some((image) => image.id === id))
  // Pages that are asked for anew come one by one: a picture can be on none of them for a moment.
  const isLost = page === undefined && !queries.some((query) => query.isFetching)
  const found = useWhereabouts(filter, pageSize, id, isLost)
  const located = found && found.index >= 0 ? found : null
  const step = page === undefined ? located : stepIn(held.get(page), page, pageSize, id)
  if (step && (step.index !== place?.index || step.total !== place.total)) setPlace({ index: step.index, total: step.total })

  const fetchAt = useCallback(
    async (index) => {
      const { images } = await queryClient.fetchQuery(historyQuery(filter, Math.floor(index / pageSize) + 1, pageSize))
      return images[index % pageSize] ?? images.at(-1)
    },
    [queryClient, filter, pageSize],
  )
  const missing = found && found.index < 0 ? (found.image ? 'moved' : 'gone') : null
  return { step: useLastStep(step), pictureAt, fetchAt, missing }
}
