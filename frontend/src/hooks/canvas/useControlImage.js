import { useQuery } from '@tanstack/react-query'

import { inputUrl, makeControlImage } from '../../services/api.js'

/** What a preprocessor makes of a picture: `{url, isMaking, error}`; the picture itself where it is finished. */
export function useControlImage({ image, kind }) {
  const isMade = kind !== 'finished'
  const { data, error, isFetching } = useQuery({
    queryKey: ['control image', image, kind],
    queryFn: ({ signal }) => makeControlImage({ image: { input_id: image }, kind }, { signal }),
    enabled: isMade,
    staleTime: Infinity,
    retry: false,
  })
  return { url: isMade ? (data ? inputUrl(data.input_id) : null) : inputUrl(image), isMaking: isFetching, error }
}
