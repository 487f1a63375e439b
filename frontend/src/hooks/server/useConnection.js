import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef } from 'react'

import { useUnanswered } from '../generate/useGenerate.js'
import { useLasting } from '../ui/useLasting.js'
import { useSystemStatus } from './useSystemStatus.js'
import { useWake } from './useWake.js'

/** A server that takes longer hangs. */
const PATIENCE_MS = 5000

/**
 * Whether the server answers: `offline` when it refuses connections or hangs, `heardAt` when it was heard last (0 if
 * never), `unanswered` how often something has been submitted since. When it comes back, or
 * this machine wakes up, everything on the page is asked for anew.
 */
export function useConnection() {
  const queryClient = useQueryClient()
  const { error, isFetching, dataUpdatedAt: heardAt } = useSystemStatus()
  const unanswered = useUnanswered()
  const hangs = useLasting(isFetching, PATIENCE_MS)
  const keepsWaiting = useLasting(unanswered > 0, PATIENCE_MS)
  const offline = Boolean(error?.unreachable) || hangs || keepsWaiting
  const wasOffline = useRef(false)
  const askAnew = useCallback(() => queryClient.invalidateQueries(), [queryClient])
  useEffect(() => {
    if (wasOffline.current && !offline) askAnew()
    wasOffline.current = offline
  }, [offline, askAnew])
  useWake(askAnew)
  return { offline, heardAt, unanswered }
}
