import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'

import { isTerminal } from '../lib/tasks.js'
import { cancelTask, fetchTask } from '../services/api.js'

const RUNNING_MS = 500

function pollInterval({ state }) {
  return isTerminal(state.data) || state.error?.code === 'not_found' ? false : RUNNING_MS
}

/** A task that stands further back in the queue: the list that names it says all there is to say. */
function waitsLong(listed) {
  return listed?.status === 'pending' && listed.queue_position > 0
}

/**
 * One task, polled until it ends. A finished one brings the gallery and the latest picture up to date.
 *
 * `listed` is the task as the server's list last showed it, if it did. A long queue costs one poll, not one
 * for each of its tasks.
 */
export function useTask(taskId, listed) {
  const queryClient = useQueryClient()
  const query = useQuery({
    queryKey: ['task', taskId],
    queryFn: ({ signal }) => fetchTask(taskId, { signal }),
    refetchInterval: pollInterval,
    enabled: !waitsLong(listed),
    placeholderData: listed,
  })
  const ended = isTerminal(query.data)
  useEffect(() => {
    if (!ended) return
    for (const key of ['history', 'latest', 'tasks', 'models']) queryClient.invalidateQueries({ queryKey: [key] })
  }, [ended, queryClient])
  const isOlderNews = waitsLong(listed) && query.data?.status === 'pending'
  return { ...query, data: isOlderNews ? listed : query.data }
}

/** Asks a task to stop; its new status is shown at once. */
export function useCancelTask(taskId) {
  const queryClient = useQueryClient()
  const queryKey = ['task', taskId]
  return useMutation({
    mutationFn: () => cancelTask(taskId),
    onSuccess: async (task) => {
      // An older poll that is still under way must not undo what the cancel answered.
      await queryClient.cancelQueries({ queryKey })
      queryClient.setQueryData(queryKey, task)
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey }),
  })
}
