import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'

import { isLoraFile } from '../../lib/loras/files.js'
import { newKey, sendLora } from '../../services/api.js'
import { LORAS_KEY } from './useLoras.js'

/** In the cache of queries, so that an upload goes on whatever is opened or closed. */
const UPLOADS_KEY = ['lora uploads']
const NONE = []

/**
 * The files that are on their way, or came or failed: `{id, file, state, share, name?, error?, cancel?}`, with a `state` of
 * `waiting`, `running`, `done`, `failed`, `foreign` (no LoRA by its name) or `large` (more than the server takes).
 */
export function useLoraUploads() {
  const { data } = useQuery({ queryKey: UPLOADS_KEY, queryFn: () => NONE, initialData: NONE, enabled: false, gcTime: Infinity })
  return data
}

/** What becomes of a file before anything is sent. */
function stateOf(file, limitBytes) {
  if (!isLoraFile(file)) return 'foreign'
  return file.size > limitBytes ? 'large' : 'waiting'
}

/** Answers `{add, forget}`: `add` sends files, one after the other; `forget` leaves out one of the list, and stops it. */
export function useLoraUpload() {
  const queryClient = useQueryClient()
  const change = useCallback(
    (write) => {
      queryClient.setQueryDefaults(UPLOADS_KEY, { gcTime: Infinity })
      queryClient.setQueryData(UPLOADS_KEY, (now) => write(now ?? NONE))
    },
    [queryClient],
  )
  const patch = useCallback(
    (id, values) => change((now) => now.map((one) => (one.id === id ? { ...one, ...values } : one))),
    [change],
  )
  const send = useCallback(
    async ({ id, file }) => {
      const isListed = queryClient.getQueryData(UPLOADS_KEY).some((one) => one.id === id)
      if (!isListed) return // It was taken back while it waited.
      const controller = new AbortController()
      patch(id, { state: 'running', cancel: () => controller.abort() })
      try {
        const onProgress = (share) => patch(id, { share })
        const { name } = await sendLora(file, { onProgress, signal: controller.signal })
        patch(id, { state: 'done', share: 1, name, cancel: undefined })
        await queryClient.invalidateQueries({ queryKey: LORAS_KEY })
      } catch (error) {
        patch(id, { state: 'failed', error, cancel: undefined })
      }
    },
    [queryClient, patch],
  )
  const add = useCallback(
    async (files) => {
      const [, list] = queryClient.getQueriesData({ queryKey: LORAS_KEY }).at(-1) ?? []
      const limitBytes = list?.max_upload_bytes
      const entries = files.map((file) => ({ id: newKey(), file, state: stateOf(file, limitBytes), share: 0 }))
      change((now) => [...now.filter(({ state }) => state === 'waiting' || state === 'running'), ...entries])
      for (const entry of entries) if (entry.state === 'waiting') await send(entry)
    },
    [queryClient, change, send],
  )
  const forget = useCallback(
    ({ id, cancel }) => {
      change((now) => now.filter((one) => one.id !== id))
      cancel?.()
    },
    [change],
  )
  return { add, forget }
}
