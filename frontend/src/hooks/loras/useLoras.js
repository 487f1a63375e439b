import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'

import { deleteLora, fetchLoras } from '../../services/api.js'

export const LORAS_KEY = ['loras']
const NOTHING = []
const READING_MS = 1000

/** The LoRAs that a request can name, as `model` takes them: `{loras, query}`. Those that are new are read bit by bit. */
export function useLoras(model) {
  const query = useQuery({
    queryKey: [...LORAS_KEY, model],
    queryFn: ({ signal }) => fetchLoras(model, { signal }),
    staleTime: 30_000,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.n_unread > 0 ? READING_MS : false),
  })
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
