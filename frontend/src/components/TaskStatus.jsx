import { useTranslation } from 'react-i18next'

import { useErrorText } from '../hooks/useErrorText.js'
import './TaskStatus.css'
import Notice from './Notice.jsx'
import TaskCard from './TaskCard.jsx'

/**
 * The tasks that wait or run, and how this browser's last ones ended.
 *
 * Shows nothing while there are none. `tasks` is a list of `{id, listed}`, see useActiveTasks; `error` is
 * why a task could not be run again.
 */
export default function TaskStatus({ tasks, error, onCompleted, onRetry, onForget }) {
  const { t } = useTranslation()
  const { errorText } = useErrorText()
  if (tasks.length === 0) return null
  const busy = tasks.some(({ listed }) => listed)
  return (
    <section className="panel task-status" aria-labelledby="tasks-title">
      <h2 id="tasks-title">{busy ? t('task.title') : t('task.titleDone')}</h2>
      {error && (
        <Notice tone="danger" role="alert">
          {errorText(error)}
        </Notice>
      )}
      <ul className="task-list">
        {tasks.map(({ id, listed }) => (
          <TaskCard
            key={id}
            taskId={id}
            listed={listed}
            onCompleted={onCompleted}
            onRetry={onRetry}
            onForget={onForget}
          />
        ))}
      </ul>
    </section>
  )
}
