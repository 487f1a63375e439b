import { useTranslation } from 'react-i18next'

import { useErrorText } from '../../hooks/server/useErrorText.js'
import { useHasGpu } from '../../hooks/server/useSystemStatus.js'
import { formatDuration } from '../../lib/format.js'
import { changesOf, drawingTime } from '../../lib/tasks.js'

function completedText(t, { result, images = [] }) {
  const pictures = images.length > 0 ? images : [result].filter(Boolean)
  const time = formatDuration(drawingTime(pictures))
  return pictures.length > 1 ? t('task.completedMany', { count: pictures.length, time }) : t('task.completedIn', { time })
}

function useSentences(task, status) {
  const { t } = useTranslation()
  const { taskErrorText } = useErrorText()
  const hasGpu = useHasGpu()
  const kept = task?.images?.length ?? 0
  switch (status) {
    case 'completed':
      return [completedText(t, task), ...changesOf(task, hasGpu).map(({ key, values }) => t(key, values))]
    case 'failed':
      return [taskErrorText(task)]
    case 'interrupted':
      return [task?.error_code === 'worker_lost' ? taskErrorText(task) : t('task.interruptedText')]
    case 'cancelled':
      return [kept > 0 ? t('task.cancelledKept', { count: kept }) : t('task.cancelledText')]
    case 'lost':
      return [t('task.lostText')]
    default:
      return []
  }
}

/** How a task ended, what the server changed about it, and what goes wrong on the way. */
export default function TaskDetail({ task, status, connectionLost, refusal }) {
  const { t } = useTranslation()
  const sentences = useSentences(task, status)
  return (
    <>
      {sentences.length > 0 && <p className="task-text">{sentences.join(' ')}</p>}
      {refusal && (
        <p className="field-error" role="alert">
          {refusal}
        </p>
      )}
      {connectionLost && <p className="task-text muted">{t('connection.lostShort')}</p>}
    </>
  )
}
