import { useQuery } from '@tanstack/react-query'

import { fetchCapabilities } from '../../services/api.js'

const NONE = []

/** The widths in which the server has thumbnails; undefined while it has not said, none where it does not say. */
export function useThumbnailWidths() {
  const { data, isError } = useQuery({
    queryKey: ['capabilities'],
    queryFn: ({ signal }) => fetchCapabilities({ signal }),
    staleTime: Infinity,
  })
  return data ? (data.thumbnail_widths ?? NONE) : isError ? NONE : undefined
}
