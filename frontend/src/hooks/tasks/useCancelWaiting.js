import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'

import { cancelTask, retryTask } from '../../services/api.js'
import { useAttempt } from '../images/useAttempt.js'
import { useToast } from '../ui/useToast.js'

/** What has ended or begun meanwhile, or is gone, is no failure. */
const PASSED = ['conflict', 'not_found']

/** Cancels the tasks, the last one first so that none of them moves up and begins; answers those that it met, in order. */
async function cancelAll(ids, queryClient) {
  const cancelled = []
  for (const id of ids.toReversed()) {
    try {
      queryClient.setQueryData(['task', id], await cancelTask(id))
      cancelled.unshift(id)
    } catch (error) {
      if (!PASSED.includes(error.code)) throw error
    }
  }
  return cancelled
}

/** Cancels all tasks that wait, and offers to run them again. */
export function useCancelWaiting({ onTrack, onForget }) {
  const { t } = useTranslation()
  const queryClient = useQueryClient()
  const toast = useToast()
  const attempt = useAttempt()
  const refresh = () => queryClient.invalidateQueries({ queryKey: ['tasks'] })
  const runAgain = (ids) =>
    attempt(async () => {
      for (const id of ids) {
        const { task_id: anew } = await retryTask(id)
        onForget(id)
        onTrack([anew])
      }
    }).finally(refresh)
  return useMutation({
    mutationFn: (ids) => attempt(() => cancelAll(ids, queryClient)),
    onSuccess: (ids = []) => {
      if (ids.length > 0) toast({ text: t('task.waitingCancelled', { count: ids.length }), undo: () => runAgain(ids) })
    },
    onSettled: refresh,
  })
}
