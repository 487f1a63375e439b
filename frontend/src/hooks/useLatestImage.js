import { useQuery } from '@tanstack/react-query'

import { fetchLatestImage } from '../services/api.js'

/** The newest picture, or null when there is none yet. */
export function useLatestImage() {
  return useQuery({ queryKey: ['latest'], queryFn: ({ signal }) => fetchLatestImage({ signal }) })
}
