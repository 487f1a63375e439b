import { useQuery } from '@tanstack/react-query'

import { fetchHistory, inputUrl } from '../../../services/api.js'

const MOST = 12

function useFound(params, enabled) {
  const { data } = useQuery({
    queryKey: ['history', 'relatives', params],
    queryFn: ({ signal }) => fetchHistory({ ...params, page_size: MOST }, { signal }),
    enabled,
  })
  return data?.images ?? []
}

/**
 * What a picture came from and what was made of it: `{origin, children}`.
 *
 * `origin` is null for a picture that was drawn from words alone, else `{url, picture}`, of which `picture` is the one of
 * the gallery, where it is one.
 */
export function useRelatives(image) {
  const { pixel_hash: hash } = image
  const source = image.base ?? image.init_image // What a sketch was painted on has a name, the sketch has none.
  const [picture] = useFound({ pixel_hash: source }, Boolean(source))
  const children = useFound({ made_from: hash }, Boolean(hash))
  return { origin: source ? { url: inputUrl(source), picture } : null, children }
}
