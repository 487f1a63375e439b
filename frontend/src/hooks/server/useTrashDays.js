import { useQuery } from '@tanstack/react-query'

import { fetchCapabilities } from '../../services/api.js'

/** Days until the server deletes for good what is in the trash; undefined while it has not said. */
export function useTrashDays() {
  const { data } = useQuery({
    queryKey: ['capabilities'],
    queryFn: ({ signal }) => fetchCapabilities({ signal }),
    staleTime: Infinity,
  })
  return data?.limits?.trash_days
}
