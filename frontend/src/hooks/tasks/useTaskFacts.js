import { useTranslation } from 'react-i18next'

import { formatEta } from '../../lib/format.js'
import { isLoadingModel } from '../../lib/tasks.js'
import { useHasWorkers } from '../server/useSystemStatus.js'

function useProgressText(task) {
  const { t } = useTranslation()
  if (task.status === 'pending') {
    const position = task.queue_position ?? 0
    return position === 0 ? t('task.next') : t('task.ahead', { count: position })
  }
  const [current, total] = [task.step ?? task.current_step, task.steps ?? task.total_steps]
  if (current === 0) return isLoadingModel(task) ? t('task.loadingModel') : t('task.preparing')
  return t('task.step', { current, total })
}

/** Which of several pictures it is, the step, where there are several workers which draws, and how long it will take. */
export function useTaskFacts(task) {
  const { t } = useTranslation()
  const count = task.num_images ?? 1
  const done = task.images?.length ?? 0
  const hasWorkers = useHasWorkers()
  const workers = task.workers ?? []
  const isSpread = workers.length > 1
  const text = useProgressText(task)
  return [
    !isSpread && count > 1 && task.status === 'processing' && t('task.pictureOf', { index: Math.min(count, done + 1), count }),
    isSpread ? t('task.atOnce', { done, count, workers: workers.length }) : text,
    hasWorkers && task.worker && t('task.onWorker', { worker: isSpread ? workers.join(', ') : task.worker }),
    typeof task.eta_seconds === 'number' && t('task.eta', { time: formatEta(task.eta_seconds) }),
  ]
    .filter(Boolean)
    .join(' · ')
}
