import { useTranslation } from 'react-i18next'

import { useCancelKey } from '../hooks/tasks/useCancelKey.js'
import './TaskStatus.css'
import QueueButtons from './tasks/QueueButtons.jsx'
import TaskCard from './tasks/TaskCard.jsx'

/** Esc stops what runs, or what would run next. */
function CancelKey({ queue, onTrack, onForget }) {
  useCancelKey(queue[0].id, { onTrack, onForget })
  return null
}

/**
 * The tasks that wait or run, and how this browser's last ones ended.
 *
 * Shows nothing while there are none. `tasks` is a list of `{id, listed}`, see useActiveTasks.
 */
export default function TaskStatus({ tasks, onTrack, onReuse, onForget }) {
  const { t } = useTranslation()
  if (tasks.length === 0) return null
  const queue = tasks.filter(({ listed }) => listed)
  const ended = tasks.filter(({ listed }) => !listed)
  const last = Math.max(0, ...queue.map(({ listed }) => listed.queue_position ?? 0))
  return (
    <section className="panel task-status" aria-labelledby="tasks-title">
      <div className="panel-head">
        <h2 id="tasks-title" tabIndex={-1}>
          {queue.length > 0 ? t('task.title', { count: queue.length }) : t('task.titleDone')}
        </h2>
        <QueueButtons queue={queue} ended={ended} onTrack={onTrack} onForget={onForget} />
      </div>
      {queue.length > 0 && <CancelKey queue={queue} onTrack={onTrack} onForget={onForget} />}
      {/* A long queue scrolls in itself: it must not push the gallery off the screen. */}
      <ul className="task-list">
        {tasks.map(({ id, listed }) => (
          <TaskCard
            key={id}
            taskId={id}
            listed={listed}
            last={last}
            isAlone={tasks.length === 1}
            onTrack={onTrack}
            onReuse={onReuse}
            onForget={onForget}
          />
        ))}
      </ul>
    </section>
  )
}
