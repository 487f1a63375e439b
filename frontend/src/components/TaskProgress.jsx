import { useTranslation } from 'react-i18next'

import { isLoadingModel } from '../lib/tasks.js'

function useProgressText(task) {
  const { t } = useTranslation()
  if (task.status === 'pending') {
    const position = task.queue_position ?? 0
    return position === 0 ? t('task.next') : t('task.ahead', { count: position })
  }
  if (task.current_step === 0) return isLoadingModel(task) ? t('task.loadingModel') : t('task.preparing')
  return t('task.step', { current: task.current_step, total: task.total_steps })
}

/** The bar, the percentage, and the step or the place in the queue. */
export default function TaskProgress({ task }) {
  const { t } = useTranslation()
  const text = useProgressText(task)
  const percent = Math.round(task.progress)
  return (
    <div className="task-progress">
      <progress max={100} value={task.progress} aria-label={t('task.progress')} aria-valuetext={`${percent} %, ${text}`} />
      <div className="task-numbers">
        <span>{text}</span>
        <span className="percent">{percent} %</span>
      </div>
    </div>
  )
}
