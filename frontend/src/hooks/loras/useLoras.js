import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'

import { deleteLora, fetchLoras } from '../../services/api.js'

export const LORAS_KEY = ['loras']
const NOTHING = []
const READING_MS = 1000
const WATCHED_MS = 5000

/**
 * The LoRAs that a request can name, as `model` takes them: `{loras, query}`. Those that are new are read bit by bit.
 * While somebody looks at them (`isWatched`), files that come and go are seen.
 */
export function useLoras(model, { isWatched = false } = {}) {
  const query = useQuery({
    queryKey: [...LORAS_KEY, model],
    queryFn: ({ signal }) => fetchLoras(model, { signal }),
    staleTime: 30_000,
    placeholderData: keepPreviousData,
    refetchOnMount: isWatched ? 'always' : true,
    refetchInterval: ({ state }) => (state.data?.n_unread > 0 ? READING_MS : isWatched && WATCHED_MS),
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
