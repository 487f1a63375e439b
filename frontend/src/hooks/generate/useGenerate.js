import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useRef, useState } from 'react'

import { newKey, submitGeneration } from '../../services/api.js'

/** The second click of a double click, or a held Enter key, is not a second picture. */
const DOUBLE_SUBMIT_MS = 700
/** Waits before a request that got no answer is sent again. Its key tells the server that it is the same one. */
const RESEND_AFTER_MS = [1000, 3000]

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function submitSurely(body) {
  const key = newKey()
  for (const delay of RESEND_AFTER_MS) {
    try {
      return await submitGeneration(body, { key })
    } catch (error) {
      if (!error.unreachable) throw error
      await sleep(delay)
    }
  }
  return submitGeneration(body, { key })
}

/**
 * Submits requests one after the other.
 *
 * `generate` answers a promise of the tasks' ids, or null when it was a double submit. A refusal ends the row; the
 * error's `accepted` says how many had been queued by then.
 */
export function useGenerate({ onSubmitted }) {
  const queryClient = useQueryClient()
  const [isPending, setIsPending] = useState(false)
  const last = useRef({ body: '', at: -Infinity })
  const inFlight = useRef(false)
  const generate = useCallback(
    async (requests) => {
      const body = JSON.stringify(requests)
      const now = performance.now()
      if (inFlight.current || (last.current.body === body && now - last.current.at < DOUBLE_SUBMIT_MS)) return null
      last.current = { body, at: now }
      inFlight.current = true
      setIsPending(true)
      const ids = []
      try {
        for (const request of requests) ids.push((await submitSurely(request)).task_id)
        return ids
      } catch (failure) {
        last.current.at = -Infinity // Trying again at once is meant.
        throw Object.assign(failure, { accepted: ids.length })
      } finally {
        inFlight.current = false
        setIsPending(false)
        if (ids.length > 0) onSubmitted(ids)
        queryClient.invalidateQueries({ queryKey: ['tasks'] })
      }
    },
    [onSubmitted, queryClient],
  )
  return { generate, isPending }
}
