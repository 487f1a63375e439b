import { useIsMutating, useMutation, useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'

import { drawSeed, toRequest } from '../../lib/generate/settings.js'
import { newKey, submitGeneration } from '../../services/api.js'
import { whenOpen } from '../server/useSession.js'

const GENERATE_KEY = ['generate']
/** Waits before a request that got no answer is sent again; the last one counts from then on. */
const RESEND_AFTER_MS = [1000, 3000, 5000]

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Sends a request until the server has answered. Its key tells the server that it is the same one. */
async function submitSurely(body, queryClient) {
  const key = newKey()
  for (let tries = 0; ; tries += 1) {
    try {
      return await submitGeneration(body, { key })
    } catch (error) {
      if (error.status === 401) await whenOpen(queryClient)
      else if (error.unreachable) await sleep(RESEND_AFTER_MS[Math.min(tries, RESEND_AFTER_MS.length - 1)])
      else throw error
    }
  }
}

/** Submits requests one after the other; a refusal ends the row, and its `accepted` says how many went before. */
async function submitAll(requests, queryClient, onSubmitted) {
  const ids = []
  try {
    for (const request of requests) ids.push((await submitSurely(request, queryClient)).task_id)
    return ids
  } catch (failure) {
    throw Object.assign(failure, { accepted: ids.length })
  } finally {
    if (ids.length > 0) onSubmitted(ids)
    queryClient.invalidateQueries({ queryKey: ['tasks'] })
  }
}

/**
 * Answers a function that submits requests and promises the tasks' ids.
 *
 * Each call counts. What is sent while the server has not answered yet waits for its turn, so that the order is kept.
 */
export function useGenerate({ onSubmitted }) {
  const queryClient = useQueryClient()
  const { mutateAsync } = useMutation({ mutationKey: GENERATE_KEY, scope: { id: GENERATE_KEY[0] }, mutationFn: (send) => send() })
  return useCallback(
    (requests) => mutateAsync(() => submitAll(requests, queryClient, onSubmitted)),
    [mutateAsync, queryClient, onSubmitted],
  )
}

/**
 * Answers a function that sends what the form says, where it passes the `check`: one request for each of its `prompts`.
 *
 * It takes a patch of the settings that they do not show yet, and promises the tasks' ids, undefined where they were
 * refused.
 */
export function useSubmit({ settings, prompts, model, check, remember, onGenerate, onChange, onRefused }) {
  return async (patch) => {
    const now = { ...settings, ...patch }
    if (!check(now, prompts)) return undefined
    const drawsSeed = settings.seed && !settings.seed_locked
    if (drawsSeed) onChange({ seed: drawSeed() }) // at once: the next press is another picture
    try {
      const ids = await onGenerate(prompts.map((prompt) => toRequest(now, model, prompt)))
      remember(settings.prompt.trim())
      return ids
    } catch (error) {
      if (drawsSeed) onChange({ seed: settings.seed })
      onRefused(error)
      return undefined
    }
  }
}

/** How often something has been submitted that the server has not answered yet. */
export function useUnanswered() {
  return useIsMutating({ mutationKey: GENERATE_KEY })
}
