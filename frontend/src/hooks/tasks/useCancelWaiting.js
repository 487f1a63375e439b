import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'

import { cancelWaiting } from '../../services/api.js'
import { useAttempt } from '../images/useAttempt.js'
import { useToast } from '../ui/useToast.js'
import { useRunAgain } from './useRunAgain.js'

/** Cancels all of one's own tasks that wait, and offers to run them again. */
export function useCancelWaiting({ onTrack, onForget }) {
  const { t } = useTranslation()
  const queryClient = useQueryClient()
  const toast = useToast()
  const attempt = useAttempt()
  const runAgain = useRunAgain({ onTrack, onForget })
  return useMutation({
    mutationFn: () => attempt(cancelWaiting),
    onSuccess: (tasks) => {
      if (!tasks) return
      const ids = tasks.map(({ task_id: id }) => id)
      for (const task of tasks) queryClient.setQueryData(['task', task.task_id], task)
      if (ids.length === 0) toast({ text: t('task.noneWaits') })
      else toast({ text: t('task.waitingCancelled', { count: ids.length }), undo: () => runAgain(ids) })
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['tasks'] }),
  })
}
