import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'

import { useSystemStatus } from './useSystemStatus.js'

/** Whether the server answers. When it comes back, everything on the page is asked for anew. */
export function useConnection() {
  const queryClient = useQueryClient()
  const { error } = useSystemStatus()
  const offline = Boolean(error?.unreachable)
  const wasOffline = useRef(false)
  useEffect(() => {
    if (wasOffline.current && !offline) queryClient.invalidateQueries()
    wasOffline.current = offline
  }, [offline, queryClient])
  return { offline }
}
