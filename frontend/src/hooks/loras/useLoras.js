import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'

import { deleteLora, fetchLoras } from '../../services/api.js'

export const LORAS_KEY = ['loras']
const NOTHING = []

/** The LoRAs that a request can name: `{loras, query}`. Asked for when somebody wants to know (`enabled`). */
export function useLoras({ enabled = true } = {}) {
  const query = useQuery({ queryKey: LORAS_KEY, queryFn: ({ signal }) => fetchLoras({ signal }), staleTime: 30_000, enabled })
  return { loras: query.data?.loras ?? NOTHING, query }
}

/** Deletes a LoRA's file; `onDeleted` is called when it is gone. */
export function useLoraDeletion(name, onDeleted) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: () => deleteLora(name),
    onSuccess: onDeleted,
    onSettled: () => queryClient.invalidateQueries({ queryKey: LORAS_KEY }),
  })
}
