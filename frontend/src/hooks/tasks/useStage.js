import { useEffect, useState } from 'react'

import { useLivePreview, useRunningTask } from './useLivePreview.js'

const EMPTY = { task: undefined, preview: null }

/** True when a picture's file is here, or will never be. */
function useArrived(url) {
  const [arrived, setArrived] = useState(null)
  useEffect(() => {
    if (!url) return undefined
    const image = new Image()
    image.onload = image.onerror = () => setArrived(url)
    image.src = url
    return () => (image.onload = image.onerror = null)
  }, [url])
  return url !== null && arrived === url
}

/**
 * What is drawn on the stage: `{running, task, preview}`, of which `task` is the one that the preview is of.
 *
 * A task that has ended keeps the stage until its picture can take its place. `latest` is the query of the newest
 * picture; once that has been answered anew with the same one, no picture has come of the task.
 */
export function useStage(tasks, latest) {
  const running = useRunningTask(tasks)
  const preview = useLivePreview(running)
  const [held, setHeld] = useState(EMPTY)
  const [id, answeredAt] = [latest.data?.id, latest.dataUpdatedAt]
  const isLive = Boolean(running && preview)
  const hasAnswer = !isLive && held.preview !== null && answeredAt !== held.answeredAt
  const isNew = hasAnswer && id !== held.id
  const arrived = useArrived(isNew ? (latest.data?.download_url ?? null) : null)

  if (isLive && (preview.url !== held.preview?.url || answeredAt !== held.answeredAt)) {
    setHeld({ task: running, preview, id, answeredAt })
  } else if (hasAnswer && (!isNew || arrived || !latest.data)) {
    setHeld(EMPTY)
  }
  return isLive ? { running, task: running, preview } : { running, ...held }
}
