import { useQuery } from '@tanstack/react-query'

import { fetchSystemStatus } from '../services/api.js'

const REFRESH_MS = 5000
const RECOVERY_MS = 2000

/** Processor, memory, GPU and disk, every five seconds while the tab is seen. */
export function useSystemStatus() {
  return useQuery({
    queryKey: ['system'],
    queryFn: ({ signal }) => fetchSystemStatus({ signal }),
    refetchInterval: (query) => (query.state.error ? RECOVERY_MS : REFRESH_MS),
  })
}

/** True, false, or null while it is not known whether this machine has a usable GPU. */
export function useHasGpu() {
  const { data } = useSystemStatus()
  return data ? Boolean(data.gpu?.available) : null
}
