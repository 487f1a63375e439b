import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'

import { useUnanswered } from '../generate/useGenerate.js'
import { useLasting } from '../ui/useLasting.js'
import { useSystemStatus } from './useSystemStatus.js'

/** A server that takes longer hangs. */
const PATIENCE_MS = 5000

/**
 * Whether the server answers: `offline` when it refuses connections or hangs, `heardAt` when it was heard last (0 if
 * never), `unanswered` how often something has been submitted since. When it comes back, everything on the page is
 * asked for anew.
 */
export function useConnection() {
  const queryClient = useQueryClient()
  const { error, isFetching, dataUpdatedAt: heardAt } = useSystemStatus()
  const unanswered = useUnanswered()
  const hangs = useLasting(isFetching, PATIENCE_MS)
  const keepsWaiting = useLasting(unanswered > 0, PATIENCE_MS)
  const offline = Boolean(error?.unreachable) || hangs || keepsWaiting
  const wasOffline = useRef(false)
  useEffect(() => {
    if (wasOffline.current && !offline) queryClient.invalidateQueries()
    wasOffline.current = offline
  }, [offline, queryClient])
  return { offline, heardAt, unanswered }
}
