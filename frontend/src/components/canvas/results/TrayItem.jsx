import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'

import { useErrorText } from '../../../hooks/server/useErrorText.js'
import { usePreviewUrl } from '../../../hooks/tasks/useLivePreview.js'
import { useCancelTask, useTask } from '../../../hooks/tasks/useTask.js'
import { isTerminal } from '../../../lib/tasks.js'
import Icon from '../../ui/Icon.jsx'

const picturesOf = (task) => (task?.images?.length ? task.images : [task?.result].filter(Boolean))

/** Why nothing will come of a task (any more); null while something may, or has. */
function useEnd(query) {
  const { t } = useTranslation()
  const { taskErrorText } = useErrorText()
  const { data: task, error } = query
  if (error?.code === 'not_found') return t('task.lost')
  if (!isTerminal(task) || task.status === 'completed') return null
  return task.status === 'failed' ? taskErrorText(task) : t(`task.${task.status}`)
}

/** How far a task is, over its picture as it grows. */
function Growing({ task }) {
  const { t } = useTranslation()
  const preview = usePreviewUrl(task)
  const percent = Math.round(task?.progress ?? 0)
  const isWaiting = !task || task.status === 'pending'
  return (
    <div className="canvas-growing">
      {preview && <img src={preview} alt="" />}
      <progress max={100} value={percent} aria-label={t('task.progress')} />
      <span>{isWaiting ? t('task.pending') : t('canvas.percent', { percent })}</span>
    </div>
  )
}

/** One task that was sent from the canvas: how far it is, then its pictures, each of which can be looked at over the canvas. */
export default function TrayItem({ task: { id, version }, making }) {
  const { t } = useTranslation()
  const query = useTask(id)
  const cancel = useCancelTask()
  const end = useEnd(query)
  const task = query.data
  const pictures = picturesOf(task)
  const isRunning = !end && task?.status !== 'completed'
  const newest = pictures.at(-1)
  const seen = useRef(null)
  const { ready } = making
  useEffect(() => {
    if (!newest || isRunning || seen.current) return
    seen.current = newest.id
    ready(newest, version)
  }, [newest, isRunning, version, ready])
  const remove = () => (isRunning ? cancel.mutate(id) : making.drop(id))
  return (
    <li className="canvas-result-item">
      {pictures.map((image) => (
        <button
          key={image.id}
          type="button"
          className="canvas-result-open"
          aria-label={t('canvas.openResult', { prompt: image.prompt })}
          aria-pressed={making.shown?.id === image.id}
          title={t('canvas.openResult', { prompt: image.prompt })}
          onClick={() => (making.shown?.id === image.id ? making.hide() : making.show(image))}
        >
          <img src={image.thumbnail_url} alt="" />
        </button>
      ))}
      {isRunning && <Growing task={task} />}
      {end && <p role="alert">{end}</p>}
      <button type="button" className="icon-button canvas-result-close" aria-label={isRunning ? t('common.cancel') : t('common.dismiss')} onClick={remove}>
        <Icon name="close" size={14} />
      </button>
    </li>
  )
}
