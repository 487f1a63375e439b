import { useMutation, useQueryClient } from '@tanstack/react-query'

import { drainWorker } from '../../services/api.js'

/** Lets a worker take no more tasks, or take them again. */
export function useDrainWorker() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: ({ workerId, drain }) => drainWorker(workerId, drain),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['system'] }),
  })
}
