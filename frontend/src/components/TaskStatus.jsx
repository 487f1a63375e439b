import { useState } from 'react'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useErrorText } from '../hooks/useErrorText.js'
import './TaskStatus.css'
import Notice from './Notice.jsx'
import TaskCard from './TaskCard.jsx'

/** A long queue must not push the picture off the screen. */
const SHOWN = 4

/**
 * The tasks that wait or run, and how this browser's last ones ended.
 *
 * Shows nothing while there are none. `tasks` is a list of `{id, listed}`, see useActiveTasks; `error` is
 * why a task could not be run again.
 */
export default function TaskStatus({ tasks, error, onCompleted, onRetry, onForget }) {
  const { t } = useTranslation()
  const { errorText } = useErrorText()
  const [showsAll, setShowsAll] = useState(false)
  if (tasks.length === 0) return null
  const queue = tasks.filter(({ listed }) => listed)
  const hidden = showsAll ? [] : queue.slice(SHOWN)
  const shown = tasks.filter((task) => !hidden.includes(task))
  return (
    <section className="panel task-status" aria-labelledby="tasks-title">
      <h2 id="tasks-title">{queue.length > 0 ? t('task.title') : t('task.titleDone')}</h2>
      {error && (
        <Notice tone="danger" role="alert">
          {errorText(error)}
        </Notice>
      )}
      <ul className="task-list">
        {shown.map(({ id, listed }) => (
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
      {hidden.length > 0 && (
        <Button variant="link" size="sm" onClick={() => setShowsAll(true)}>
          {t('task.showMore', { count: hidden.length })}
        </Button>
      )}
    </section>
  )
}
