import { useQuery } from '@tanstack/react-query'

import { fetchModels } from '../services/api.js'

/** The catalogue of models. */
export function useModels() {
  return useQuery({ queryKey: ['models'], queryFn: ({ signal }) => fetchModels({ signal }), staleTime: 30_000 })
}

/** The model that `id` means: for "auto" the server's default. Undefined while unknown. */
export function useModel(id) {
  const { data } = useModels()
  const wanted = id === 'auto' ? data?.default : id
  return data?.models.find((model) => model.id === wanted)
}
