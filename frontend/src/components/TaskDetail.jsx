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

/** How a task ended and what the server changed about it; while it runs, the server's own message. */
export default function TaskDetail({ task, status, connectionLost, cancelError }) {
  const { t } = useTranslation()
  const sentences = useSentences(task, status)
  // Once steps are counted, the bar says it in the reader's language.
  const running = status === 'processing' && task.current_step === 0 ? task.message : ''
  return (
    <>
      {sentences.length > 0 && <p className="task-text">{sentences.join(' ')}</p>}
      {running && (
        <p className="task-text muted" lang="en">
          {running}
        </p>
      )}
      {cancelError && (
        <p className="field-error" role="alert">
          {t('task.cancelFailed', { reason: cancelError })}
        </p>
      )}
      {connectionLost && <p className="task-text muted">{t('connection.lostShort')}</p>}
    </>
  )
}
