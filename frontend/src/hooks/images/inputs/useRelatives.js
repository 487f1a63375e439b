import { useQueries, useQuery } from '@tanstack/react-query'

import { fetchHistory, inputUrl } from '../../../services/api.js'

const MOST = 12

function foundBy(params, enabled = true) {
  return {
    queryKey: ['history', 'relatives', params],
    queryFn: ({ signal }) => fetchHistory({ ...params, page_size: MOST }, { signal }),
    enabled,
  }
}

/** Each of some inputs as `{id, url, picture}`; `picture` is the one of the gallery, where it is one. */
function useOrigins(ids) {
  const unique = [...new Set(ids)]
  const answers = useQueries({ queries: unique.map((id) => foundBy({ pixel_hash: id })) })
  const pictures = new Map(unique.map((id, at) => [id, answers[at].data?.images[0]]))
  return ids.map((id) => ({ id, url: inputUrl(id), picture: pictures.get(id) }))
}

/**
 * What a picture came from and what was made of it: `{origin, references, children}`.
 *
 * `origin` is what it was drawn from, null where that was words alone, and `references` those that the words speak of: each
 * is `{url, picture}`, of which `picture` is the one of the gallery, where it is one.
 */
export function useRelatives({ init_image: drawnFrom, base, references, pixel_hash: hash }) {
  const source = base ?? drawnFrom // What a sketch was painted on has a name, the sketch has none.
  const [origin = null] = useOrigins(source ? [source] : [])
  const { data } = useQuery(foundBy({ made_from: hash }, Boolean(hash)))
  return { origin, references: useOrigins(references ?? []), children: data?.images ?? [] }
}
