import { useTranslation } from 'react-i18next'

import { useErrorText } from '../hooks/useErrorText.js'
import { formatDuration } from '../lib/format.js'
import { changesOf } from '../lib/tasks.js'

function useSentences(task, status) {
  const { t } = useTranslation()
  const { taskErrorText } = useErrorText()
  switch (status) {
    case 'completed':
      return [
        t('task.completedIn', { time: formatDuration(task.result?.generation_time_ms ?? 0) }),
        ...changesOf(task).map(({ key, values }) => t(key, values)),
      ]
    case 'failed':
      return [taskErrorText(task)]
    case 'interrupted':
      return [t('task.interruptedText')]
    case 'cancelled':
      return [t('task.cancelledText')]
    case 'lost':
      return [t('task.lostText')]
    default:
      return []
  }
}

/** How a task ended, what the server changed about it, and what goes wrong on the way. */
export default function TaskDetail({ task, status, connectionLost, cancelError }) {
  const { t } = useTranslation()
  const sentences = useSentences(task, status)
  return (
    <>
      {sentences.length > 0 && <p className="task-text">{sentences.join(' ')}</p>}
      {cancelError && (
        <p className="field-error" role="alert">
          {t('task.cancelFailed', { reason: cancelError })}
        </p>
      )}
      {connectionLost && <p className="task-text muted">{t('connection.lostShort')}</p>}
    </>
  )
}
