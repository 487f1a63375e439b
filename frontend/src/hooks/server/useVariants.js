import { useQuery } from '@tanstack/react-query'

import { fetchVariants } from '../../services/api.js'

export const VARIANTS_KEY = ['variants']
const DOWNLOADING_MS = 1000
const WATCHED_MS = 5000

function isDownloading(list) {
  return list?.variants.some(({ download }) => download.state === 'running')
}

/** The published variants, and the room on the disk; for somebody who looks at them. */
export function useVariants() {
  return useQuery({
    queryKey: VARIANTS_KEY,
    queryFn: ({ signal }) => fetchVariants({ signal }),
    refetchInterval: ({ state }) => (isDownloading(state.data) ? DOWNLOADING_MS : WATCHED_MS),
  })
}
