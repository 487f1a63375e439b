import { useQuery } from '@tanstack/react-query'

import { fetchHistory } from '../../services/api.js'

const COUNT = 20
const NONE = []

/** The newest pictures, whatever the gallery shows. */
export function useRecentPictures() {
  const { data } = useQuery({
    queryKey: ['history', 'recent'],
    queryFn: ({ signal }) => fetchHistory({ page: 1, page_size: COUNT }, { signal }),
  })
  return data?.images ?? NONE
}
