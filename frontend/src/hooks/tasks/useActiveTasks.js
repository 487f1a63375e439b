import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef } from 'react'

import { fetchTasks } from '../../services/api.js'
import { usePersistentState } from '../kept/usePersistentState.js'

const BUSY_MS = 1500
const IDLE_MS = 5000
/** In a hidden tab, whose title says how far it is. */
const HIDDEN_MS = 3000
const REMEMBERED = 100

function restoreIds(stored) {
  return Array.isArray(stored) ? stored.filter((id) => typeof id === 'string').slice(-REMEMBERED) : []
}

/** The tasks that the server is working on, whoever asked for them. */
function useServerTasks() {
  const queryClient = useQueryClient()
  const { data } = useQuery({
    queryKey: ['tasks'],
    queryFn: ({ signal }) => fetchTasks({ signal }),
    refetchInterval: ({ state }) => (state.data?.length ? (document.hidden ? HIDDEN_MS : BUSY_MS) : IDLE_MS),
    refetchIntervalInBackground: queryClient.getQueryData(['tasks'])?.length > 0,
  })
  const ids = data?.map((task) => task.task_id).join(' ')
  const previous = useRef(ids)
  useEffect(() => {
    // A task that left the list has ended, perhaps with a picture, perhaps of another client.
    if (previous.current) {
      queryClient.invalidateQueries({ queryKey: ['history'] })
      queryClient.invalidateQueries({ queryKey: ['latest'] })
    }
    previous.current = ids
  }, [ids, queryClient])
  return useMemo(() => data ?? [], [data])
}

/**
 * What TaskStatus shows: the server's queue, and this browser's own tasks until they are dismissed.
 *
 * The own ones are remembered by id, so that a reload in the middle finds them again.
 */
export function useActiveTasks() {
  const queryClient = useQueryClient()
  const listed = useServerTasks()
  const [own, setOwn] = usePersistentState('zimage.tasks', [], restoreIds)
  const cached = useCallback((id) => queryClient.getQueryData(['task', id]), [queryClient])
  /** Remembers new tasks. That earlier ones are done is old news then; what did not end well waits to be dismissed. */
  const track = useCallback(
    (added) => setOwn((ids) => restoreIds([...ids.filter((id) => !added.includes(id) && cached(id)?.status !== 'completed'), ...added])),
    [setOwn, cached],
  )
  const forget = useCallback((id) => setOwn((ids) => ids.filter((other) => other !== id)), [setOwn])
  const tasks = useMemo(() => {
    const active = listed.map((task) => ({ id: task.task_id, listed: task, own: own.includes(task.task_id) }))
    const known = new Set(active.map(({ id }) => id))
    return [...active, ...own.filter((id) => !known.has(id)).map((id) => ({ id, listed: undefined, own: true }))]
  }, [listed, own])
  return { tasks, track, forget }
}
