import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'

import { useAnnounce } from '../../hooks/ui/useAnnounce.js'
import { useErrorText } from '../../hooks/server/useErrorText.js'
import { useCancelTask, useMoveTask, useRetryTask, useTask } from '../../hooks/tasks/useTask.js'
import { isTerminal } from '../../lib/tasks.js'
import TaskActions from './TaskActions.jsx'
import TaskDetail from './TaskDetail.jsx'
import TaskProgress from './TaskProgress.jsx'
import TaskThumb from './TaskThumb.jsx'

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

/** Why the last thing that was asked of the task did not work, as a sentence; null when it did. */
function useRefusal({ cancel, retry, move, ended }) {
  const { t } = useTranslation()
  const { errorText } = useErrorText()
  if (cancel.error && !ended) return t('task.cancelFailed', { reason: errorText(cancel.error) })
  const error = retry.error ?? move.error
  return error && errorText(error)
}

/** One task: what it draws, how far it is, and what can be done about it. `last` is the last place in the queue; `isAlone` means no other task. */
export default function TaskCard({ taskId, listed, last, isAlone, onTrack, onReuse, onForget }) {
  const { t } = useTranslation()
  const { data: task, error } = useTask(taskId, listed)
  const cancel = useCancelTask()
  const retry = useRetryTask({ onTrack, onForget })
  const move = useMoveTask()
  const lost = error?.code === 'not_found'
  const prompt = task?.request?.prompt ?? task?.result?.prompt ?? ''
  useStatusAnnouncement(task, prompt)

  const status = lost ? 'lost' : (task?.status ?? 'unheard')
  const ended = lost || isTerminal(task)
  const cancelling = cancel.isPending || Boolean(task?.cancelling)
  const refusal = useRefusal({ cancel, retry, move, ended })
  return (
    <li className={`task task-${status}`} data-status={status}>
      <TaskThumb task={task} prompt={prompt} />
      <div className="task-body">
        <div className="task-head">
          <span className="task-badge">{cancelling && !ended ? t('task.cancelling') : t(`task.${status}`)}</span>
          <p className="task-prompt" title={prompt}>
            {prompt}
          </p>
          <div className="task-actions">
            <TaskActions
              task={task}
              prompt={prompt}
              ended={ended}
              cancelling={cancelling}
              last={last}
              isAlone={isAlone}
              onMove={(to) => move.mutate({ taskId, move: to })}
              onReuse={onReuse}
              onCancel={() => cancel.mutate(taskId)}
              onRetry={() => retry.mutate(taskId)}
              onForget={() => onForget(taskId)}
            />
          </div>
        </div>
        {!ended && task && <TaskProgress task={task} />}
        <TaskDetail task={task} status={status} connectionLost={Boolean(error?.unreachable)} refusal={refusal} />
      </div>
    </li>
  )
}
