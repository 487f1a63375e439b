import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'

import { patchPictures } from '../../lib/images/pictures.js'

const KEYS = ['history', 'latest', 'place', 'picture']

/** Applies a change to whatever a query holds: a page, pages of an endless list, a single picture or its place. */
function patchData(data, ids, patch) {
  if (!data) return data
  if (data.pages) return { ...data, pages: data.pages.map((page) => patchData(page, ids, patch)) }
  if (data.image) return { ...data, image: patchData(data.image, ids, patch) }
  if (data.images) return { ...data, images: patchPictures(data.images, ids, patch) }
  return ids.has(data.id) ? { ...data, ...patch(data) } : data
}

/** Changes known pictures at once, before the server has said so, and asks for them anew. */
export function useImageCache() {
  const queryClient = useQueryClient()
  const patch = useCallback(
    (ids, change) => {
      for (const key of KEYS) {
        queryClient.setQueriesData({ queryKey: [key] }, (data) => patchData(data, new Set(ids), change))
      }
    },
    [queryClient],
  )
  const refresh = useCallback(
    () => Promise.all(KEYS.map((key) => queryClient.invalidateQueries({ queryKey: [key] }))),
    [queryClient],
  )
  return { patch, refresh }
}
