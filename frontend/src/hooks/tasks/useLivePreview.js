import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState, useSyncExternalStore } from 'react'

import { hasPreview } from '../../lib/tasks.js'
import { previewUrl } from '../../services/api.js'

/** The running task of this browser or, where it has none, of anybody. */
export function useRunningTask(tasks) {
  const queryClient = useQueryClient()
  const cache = queryClient.getQueryCache()
  const statusOf = ({ id, listed }) => queryClient.getQueryData(['task', id]) ?? listed
  return useSyncExternalStore(
    // Of all that the cache tells, only what was answered: queries are added while others are drawn.
    (onChange) => cache.subscribe(({ type }) => type === 'updated' && onChange()),
    () => {
      const running = tasks.map(statusOf).filter((task) => task?.status === 'processing')
      return running.find(hasPreview) ?? running[0]
    },
  )
}

/**
 * Loads pictures out of sight, so that each is shown whole or not at all: the address of the newest of `owner`'s that is
 * here, or null. `url` is the newest that there is.
 *
 * One loads at a time. Where new ones come faster than they load, those in between are left out: none is given up on its way.
 */
function useLoaded(url, owner) {
  const [loading, setLoading] = useState({ url: null, owner })
  const [loaded, setLoaded] = useState({ url: null, owner })
  const isFree = loading.url === null || loading.hasEnded || loading.owner !== owner
  if (url !== loading.url && isFree) setLoading({ url, owner })
  const { url: src, owner: its } = loading
  useEffect(() => {
    if (!src) return undefined
    const image = new Image()
    image.onerror = () => setLoading({ url: src, owner: its, hasEnded: true })
    image.onload = () => {
      setLoaded({ url: src, owner: its })
      image.onerror()
    }
    image.src = src
    return () => (image.onload = image.onerror = null)
  }, [src, its])
  return url && loaded.owner === owner ? loaded.url : null // The one before stays in sight until the next is here.
}

/** The newest preview of a task whose bytes are here; null while there is none. */
export function usePreviewUrl(task) {
  const runs = task?.status === 'processing' && hasPreview(task)
  return useLoaded(runs ? previewUrl(task.task_id, task.preview_seq) : null, runs ? task.task_id : null)
}

/** The picture that is being drawn, as the newest preview shows it: `{url, width, height, prompt}`, or null. */
export function useLivePreview(task) {
  const url = usePreviewUrl(task)
  return url && { url, ...task.request }
}
