import { useQuery } from '@tanstack/react-query'

import { addressOf } from '../../lib/doors.js'
import { fetchCapabilities } from '../../services/api.js'

const NONE = []

/** The protocols of other programs that the server answers, each with the address to give to such a program. */
export function useDoors() {
  const { data } = useQuery({
    queryKey: ['capabilities'],
    queryFn: ({ signal }) => fetchCapabilities({ signal }),
    staleTime: Infinity,
  })
  return (data?.doors ?? NONE).map((door) => ({ name: door.name, address: addressOf(door) }))
}
