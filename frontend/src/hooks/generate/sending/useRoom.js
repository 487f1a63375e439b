import { useQuery } from '@tanstack/react-query'

import { fetchCapabilities, fetchTasks } from '../../../services/api.js'

const isWaiting = ({ status }) => status === 'pending'

/** How many more tasks the queue takes now, null while that is not known. */
export function useRoom() {
  const { data: limits } = useQuery({
    queryKey: ['capabilities'],
    queryFn: ({ signal }) => fetchCapabilities({ signal }),
    staleTime: Infinity,
    select: (capabilities) => capabilities.limits,
  })
  // Others ask for them again and again.
  const { data: waiting } = useQuery({
    queryKey: ['tasks'],
    queryFn: ({ signal }) => fetchTasks({ signal }),
    select: (tasks) => tasks.filter(isWaiting).length,
  })
  if (!limits || waiting === undefined) return null
  return Math.max(0, Math.min(limits.max_queued_tasks, limits.max_queued_tasks_per_client) - waiting)
}
