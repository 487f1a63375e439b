import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'

import { isTerminal } from '../../lib/tasks.js'
import { cancelTask, fetchTask, moveTask, retryTask } from '../../services/api.js'

const RUNNING_MS = 500

function pollInterval({ state }) {
  return isTerminal(state.data) || state.error?.code === 'not_found' ? false : RUNNING_MS
}

/** A task that stands further back in the queue: the list that names it says all there is to say. */
function waitsLong(listed) {
  return listed?.status === 'pending' && listed.queue_position > 0
}

/**
 * One task, polled until it ends. Each of its pictures brings the gallery and the latest picture up to date.
 *
 * `listed` is the task as the server's list last showed it, if it did. A long queue costs one poll, not one
 * for each of its tasks. Polls rather than an event stream: a browser grants an address six connections, which
 * eight tabs with a stream each would use up.
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
  const pictures = query.data?.images?.length ?? 0
  useEffect(() => {
    if (!ended && pictures === 0) return
    for (const key of ['history', 'latest', 'tasks', 'models']) queryClient.invalidateQueries({ queryKey: [key] })
  }, [ended, pictures, queryClient])
  const isOlderNews = waitsLong(listed) && query.data?.status === 'pending'
  return { ...query, data: isOlderNews ? listed : query.data }
}

/** Asks a task to stop; its new status is shown at once. */
export function useCancelTask() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: (taskId) => cancelTask(taskId),
    onSuccess: async (task, taskId) => {
      const queryKey = ['task', taskId]
      // An older poll that is still under way must not undo what the cancel answered.
      await queryClient.cancelQueries({ queryKey })
      queryClient.setQueryData(queryKey, task)
    },
    onSettled: (_task, _error, taskId) => queryClient.invalidateQueries({ queryKey: ['task', taskId] }),
  })
}

/** Runs an ended task anew, in place of the old one. */
export function useRetryTask({ onTrack, onForget }) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: (taskId) => retryTask(taskId),
    onSuccess: ({ task_id: id }, taskId) => {
      onForget(taskId)
      onTrack([id])
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['tasks'] }),
  })
}

/** Moves a waiting task in the queue; by places, since the queue moves too while one clicks. */
export function useMoveTask() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: ({ taskId, move }) => moveTask(taskId, move),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['tasks'] }),
  })
}
