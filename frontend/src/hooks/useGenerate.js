import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useCallback, useRef } from 'react'

import { submitGeneration } from '../services/api.js'

/** The second click of a double click, or a held Enter key, is not a second picture. */
const DOUBLE_SUBMIT_MS = 700

/** Submits a request. `generate` answers a promise of the task's id, or null when it was a double submit. */
export function useGenerate({ onSubmitted }) {
  const queryClient = useQueryClient()
  const last = useRef({ body: '', at: -Infinity })
  const { mutateAsync, isPending, error, reset } = useMutation({
    mutationFn: (body) => submitGeneration(body),
    onSuccess: ({ task_id: id }) => {
      onSubmitted(id)
      queryClient.invalidateQueries({ queryKey: ['tasks'] })
    },
  })
  const inFlight = useRef(false)
  const generate = useCallback(
    async (request) => {
      const body = JSON.stringify(request)
      const now = performance.now()
      if (inFlight.current || (last.current.body === body && now - last.current.at < DOUBLE_SUBMIT_MS)) return null
      last.current = { body, at: now }
      inFlight.current = true
      try {
        return (await mutateAsync(request)).task_id
      } catch (failure) {
        last.current.at = -Infinity // Trying again at once is meant.
        throw failure
      } finally {
        inFlight.current = false
      }
    },
    [mutateAsync],
  )
  return { generate, isPending, error, reset }
}
