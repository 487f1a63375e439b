import { useQueries, useQueryClient } from '@tanstack/react-query'

import { fetchImage } from '../../services/api.js'
import { findPicture } from './findPicture.js'

/** Pictures by their ids: those at hand at once, null for one that is not there (any more), undefined for one on its way. */
export function usePictures(ids) {
  const queryClient = useQueryClient()
  const queries = ids.map((id) => ({
    queryKey: ['picture', id],
    queryFn: ({ signal }) => fetchImage(id, { signal }),
    placeholderData: () => findPicture(queryClient, id),
  }))
  return useQueries({ queries }).map(({ data }) => (data?.deleted_at ? null : data))
}
