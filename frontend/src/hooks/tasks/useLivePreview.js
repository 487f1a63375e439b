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
    (onChange) => cache.subscribe(onChange),
    () => {
      const running = tasks.map(statusOf).filter((task) => task?.status === 'processing')
      return running.find(hasPreview) ?? running[0]
    },
  )
}

/** Loads a picture out of sight, so that it is shown whole or not at all. */
function useLoaded(url) {
  const [loaded, setLoaded] = useState(null)
  useEffect(() => {
    if (!url) return undefined
    const image = new Image()
    image.onload = () => setLoaded(url)
    image.src = url
    return () => (image.onload = null)
  }, [url])
  return url ? loaded : null // The one before stays in sight until the next is here.
}

/** The newest preview of a task whose bytes are here; null while there is none. */
export function usePreviewUrl(task) {
  const runs = task?.status === 'processing' && hasPreview(task)
  return useLoaded(runs ? previewUrl(task.task_id, task.preview_seq) : null)
}

/** The picture that is being drawn, as the newest preview shows it: `{url, width, height, prompt}`, or null. */
export function useLivePreview(task) {
  const url = usePreviewUrl(task)
  return url && { url, ...task.request }
}
