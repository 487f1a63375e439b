import { useTranslation } from 'react-i18next'

import { useTaskFacts } from '../../hooks/tasks/useTaskFacts.js'

/** The bar, the percentage, and the step or the place in the queue. */
export default function TaskProgress({ task }) {
  const { t } = useTranslation()
  const text = useTaskFacts(task)
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
