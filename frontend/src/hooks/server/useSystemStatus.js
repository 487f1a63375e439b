import { skipToken, useQuery } from '@tanstack/react-query'

import { toSample } from '../../lib/generate/samples.js'
import { fetchSystemStatus } from '../../services/api.js'

const REFRESH_MS = 5000
const RECOVERY_MS = 2000
const HISTORY_KEY = ['system-history']
/** Five minutes of samples. */
const REMEMBERED = 60
const NONE = []

async function sampleSystem({ signal, client }) {
  const status = await fetchSystemStatus({ signal })
  client.setQueryData(HISTORY_KEY, (samples = NONE) => [...samples, toSample(status)].slice(-REMEMBERED))
  return status
}

const QUERY = {
  queryKey: ['system'],
  queryFn: sampleSystem,
  refetchInterval: (query) => (query.state.error ? RECOVERY_MS : REFRESH_MS),
}

/** Processor, memory, GPU and disk, every five seconds while the tab is seen. */
export function useSystemStatus() {
  return useQuery(QUERY)
}

/** The last samples in percent, oldest first; see toSample. */
export function useSystemHistory() {
  const { data } = useQuery({ queryKey: HISTORY_KEY, queryFn: skipToken })
  return data ?? NONE
}

function hasGpu(status) {
  return Boolean(status.gpu?.available)
}

function hasNoCard({ gpu, workers = [] }) {
  return !gpu?.available && !workers.some(({ card }) => card)
}

/** Whether nothing that draws has a card, neither here nor on other machines; false while that is not known. */
export function useHasNoCard() {
  const { data } = useQuery({ ...QUERY, select: hasNoCard })
  return data ?? false
}

/** True, false, or null while it is not known whether this machine has a usable GPU. The meters beside it do not matter. */
export function useHasGpu() {
  const { data } = useQuery({ ...QUERY, select: hasGpu })
  return data ?? null
}

function hasWorkers(status) {
  return (status.workers?.length ?? 0) > 1
}

/** Whether several workers draw, so that it matters which. */
export function useHasWorkers() {
  const { data } = useQuery({ ...QUERY, select: hasWorkers })
  return data ?? false
}
