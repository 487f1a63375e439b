import { useQuery } from '@tanstack/react-query'

import { fetchCapabilities } from '../../services/api.js'

/** Kinds that need a model; until the server has said otherwise it has none. */
const WITH_MODELS = ['depth', 'pose']

/** Kinds of control images that this server cannot make, each with the reason: a `Map`. */
export function useMissingKinds() {
  const { data } = useQuery({
    queryKey: ['capabilities'],
    queryFn: ({ signal }) => fetchCapabilities({ signal }),
    staleTime: Infinity,
  })
  const told = new Map((data?.preprocessors ?? []).map((one) => [one.kind, one]))
  return new Map(WITH_MODELS.filter((kind) => !told.get(kind)?.available).map((kind) => [kind, told.get(kind)?.note ?? '']))
}
