import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'

import { isTerminal } from '../lib/tasks.js'
import { cancelTask, fetchTask } from '../services/api.js'

const RUNNING_MS = 500
const WAITING_MS = 1000

function pollInterval({ state }) {
  if (isTerminal(state.data) || state.error?.code === 'not_found') return false
  // The next in the queue may start at any moment; those behind it have time.
  return state.data?.queue_position > 0 ? WAITING_MS : RUNNING_MS
}

/** One task, polled until it ends. A finished one brings the gallery and the latest picture up to date. */
export function useTask(taskId, listed) {
  const queryClient = useQueryClient()
  const query = useQuery({
    queryKey: ['task', taskId],
    queryFn: ({ signal }) => fetchTask(taskId, { signal }),
    refetchInterval: pollInterval,
    placeholderData: listed,
  })
  const ended = isTerminal(query.data)
  useEffect(() => {
    if (!ended) return
    for (const key of ['history', 'latest', 'tasks', 'models']) queryClient.invalidateQueries({ queryKey: [key] })
  }, [ended, queryClient])
  return query
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
