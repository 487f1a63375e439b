import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'

import { deleteImage, fetchHistory } from '../services/api.js'

export const PAGE_SIZE = 20

/** One page of the history, newest first. */
export function useHistory(page) {
  return useQuery({
    queryKey: ['history', page],
    queryFn: ({ signal }) => fetchHistory({ page, pageSize: PAGE_SIZE }, { signal }),
    placeholderData: keepPreviousData,
  })
}

/** Deletes a picture. One that is already gone counts as deleted. */
export function useDeleteImage() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: async (imageId) => {
      try {
        await deleteImage(imageId)
      } catch (error) {
        if (error.code !== 'not_found') throw error
      }
    },
    onSettled: () =>
      Promise.all(['history', 'latest'].map((key) => queryClient.invalidateQueries({ queryKey: [key] }))),
  })
}
