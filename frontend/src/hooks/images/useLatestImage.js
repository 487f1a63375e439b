import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'

import { fetchLatestImage } from '../../services/api.js'

const REFRESH_MS = 5000

/** The newest picture, or null when there is none yet; asked for anew, since others draw here too. */
export function useLatestImage() {
  return useQuery({
    queryKey: ['latest'],
    queryFn: ({ signal }) => fetchLatestImage({ signal }),
    refetchInterval: REFRESH_MS,
  })
}

/** Brings the gallery up to date when a picture has come, of this tab or of anybody. */
export function useFreshHistory() {
  const queryClient = useQueryClient()
  const { data } = useLatestImage()
  const id = data?.id
  const previous = useRef(id)
  useEffect(() => {
    if (previous.current !== undefined && id !== previous.current) queryClient.invalidateQueries({ queryKey: ['history'] })
    previous.current = id
  }, [id, queryClient])
}
