import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'

import { chooseParts, fetchModels, freeMemory } from '../../services/api.js'

export const MODELS_KEY = ['models']
const DOWNLOADING_MS = 1000
const WATCHED_MS = 2000

function isDownloading(catalogue) {
  return catalogue?.downloading || catalogue?.models.some(({ download }) => download?.state === 'running')
}

/** The catalogue of models; asked for again and again while one of them is loaded down, or somebody looks at it. */
export function useModels({ isWatched = false } = {}) {
  return useQuery({
    queryKey: MODELS_KEY,
    queryFn: ({ signal }) => fetchModels({ signal }),
    staleTime: 30_000,
    refetchInterval: ({ state }) => (isDownloading(state.data) ? DOWNLOADING_MS : isWatched && WATCHED_MS),
  })
}

/** Takes the loaded models out of the memory, each as soon as no task needs it. */
export function useFreeMemory() {
  return useMutation({ mutationFn: () => freeMemory() })
}

/** Chooses what a model of single files is run as, and from which files; what is not named stays as it is. */
export function useChoice({ id, member, parts = [] }) {
  const queryClient = useQueryClient()
  const inUse = Object.fromEntries(parts.filter(({ part }) => part !== 'transformer').map(({ part, file }) => [part, file]))
  const { mutate, isPending, error } = useMutation({
    mutationFn: (change) => chooseParts(id, { member, ...inUse, ...change }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: MODELS_KEY }),
  })
  return { choose: mutate, isPending, error }
}

function findModel(catalogue, id) {
  const wanted = id === 'auto' ? catalogue?.default : id
  return catalogue?.models.find((model) => model.id === wanted)
}

/** The model that `id` means: for "auto" the server's default. Undefined while unknown. */
export function useModel(id) {
  const { data } = useModels()
  return findModel(data, id)
}

/** Answers a function that finds the model of an id when it is called: what uses it is not drawn anew by a change. */
export function useModelOf() {
  const queryClient = useQueryClient()
  return useCallback((id) => findModel(queryClient.getQueryData(MODELS_KEY), id), [queryClient])
}
