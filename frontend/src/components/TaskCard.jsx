import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'

import { useAnnounce } from '../hooks/useAnnounce.js'
import { useErrorText } from '../hooks/useErrorText.js'
import { useCancelTask, useTask } from '../hooks/useTask.js'
import { isTerminal } from '../lib/tasks.js'
import TaskActions from './TaskActions.jsx'
import TaskDetail from './TaskDetail.jsx'
import TaskProgress from './TaskProgress.jsx'

/** Speaks each change of status, but not the one the page was opened with. */
function useStatusAnnouncement(task, prompt) {
  const { t } = useTranslation()
  const announce = useAnnounce()
  const spoken = useRef(task?.status)
  useEffect(() => {
    if (!task || spoken.current === task.status) return
    spoken.current = task.status
    announce(t('task.announce', { status: t(`task.${task.status}`), prompt }))
  }, [task, prompt, announce, t])
}

/** One task: what it draws, how far it is, and what can be done about it. */
export default function TaskCard({ taskId, listed, onCompleted, onRetry, onForget }) {
  const { t } = useTranslation()
  const { errorText } = useErrorText()
  const { data: task, error } = useTask(taskId, listed)
  const cancel = useCancelTask(taskId)
  const lost = error?.code === 'not_found'
  const prompt = task?.request?.prompt ?? task?.result?.prompt ?? ''
  useStatusAnnouncement(task, prompt)

  const status = lost ? 'lost' : (task?.status ?? 'pending')
  useEffect(() => {
    if (status === 'completed') onCompleted(taskId)
  }, [status, taskId, onCompleted])
  const ended = lost || isTerminal(task)
  const cancelling = cancel.isPending || Boolean(task?.cancelling)
  const cancelError = cancel.error && !ended ? errorText(cancel.error) : null
  return (
    <li className={`task task-${status}`} data-status={status}>
      <div className="task-head">
        <span className="task-badge">{cancelling && !ended ? t('task.cancelling') : t(`task.${status}`)}</span>
        <p className="task-prompt" title={prompt}>
          {prompt}
        </p>
        <TaskActions
          task={task}
          prompt={prompt}
          ended={ended}
          cancelling={cancelling}
          onCancel={() => cancel.mutate()}
          onRetry={() => onRetry(taskId, task.request)}
          onForget={() => onForget(taskId)}
        />
      </div>
      {!ended && task && <TaskProgress task={task} />}
      <TaskDetail task={task} status={status} connectionLost={Boolean(error?.unreachable)} cancelError={cancelError} />
    </li>
  )
}
