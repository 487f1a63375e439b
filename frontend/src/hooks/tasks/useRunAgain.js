import { useQueryClient } from '@tanstack/react-query'

import { fetchTask, retryTask } from '../../services/api.js'
import { useAttempt } from '../images/useAttempt.js'

const PAUSE_MS = 500
/** Half a minute: a step of a large picture may take that long. */
const MOST_TRIES = 60

/** Runs a task anew as soon as it has ended, which one that is being cancelled does at its next step. */
async function retryWhenEnded(taskId) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await retryTask(taskId)
    } catch (error) {
      if (error.code !== 'conflict' || tries === MOST_TRIES || (await fetchTask(taskId)).status === 'completed') throw error
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}

/** Answers a function that runs tasks anew, in their order and in place of the old ones. */
export function useRunAgain({ onTrack, onForget }) {
  const queryClient = useQueryClient()
  const attempt = useAttempt()
  return (ids) =>
    attempt(async () => {
      for (const id of ids) {
        const { task_id: anew } = await retryWhenEnded(id)
        onForget(id)
        onTrack([anew])
      }
    }).finally(() => queryClient.invalidateQueries({ queryKey: ['tasks'] }))
}
