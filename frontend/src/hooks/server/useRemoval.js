import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'

import { deleteModel, fetchRemoval } from '../../services/api.js'
import { MODELS_KEY } from './useModels.js'
import { VARIANTS_KEY } from './useVariants.js'

/** What deleting a model would remove, asked anew each time; an error says why it stays. */
export function useRemoval(modelId) {
  return useQuery({
    queryKey: ['removal', modelId],
    queryFn: ({ signal }) => fetchRemoval(modelId, { signal }),
    staleTime: 0,
    gcTime: 0,
  })
}

/** Deletes a model; `onDeleted` is called when it is gone. */
export function useDeletion(modelId, onDeleted) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: () => deleteModel(modelId),
    onSuccess: onDeleted,
    onSettled: () => {
      queryClient.invalidateQueries({ queryKey: MODELS_KEY })
      queryClient.invalidateQueries({ queryKey: VARIANTS_KEY })
    },
  })
}
