import { keepPreviousData, useQuery } from '@tanstack/react-query'

import { toRequest } from '../../lib/generate/settings.js'
import { fetchEstimate } from '../../services/api.js'
import { useRecentPictures } from '../images/useRecentPictures.js'
import { useModel } from '../server/useModels.js'
import { useDebounced } from '../ui/useDebounced.js'

const CHANGING_MS = 300
/** What is asked is the same for every prompt. */
const ANY_PROMPT = 'a'

/** What these settings will take, by the server: memory and seconds; undefined while nobody knows. */
export function useEstimate(settings) {
  const model = useModel(settings.model)
  const pictures = useRecentPictures()
  const body = JSON.stringify({ ...toRequest(settings, model, ANY_PROMPT), negative_prompt: '', seed: null })
  const settled = useDebounced(body, CHANGING_MS)
  const { data } = useQuery({
    // what was drawn since makes it more exact
    queryKey: ['estimate', settled, pictures[0]?.id],
    queryFn: ({ signal }) => fetchEstimate(JSON.parse(settled), { signal }),
    enabled: Boolean(model),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false, // settings that cannot be sent are said at their field
  })
  return data
}

/** Seconds of `count` pictures with these settings, the loading of the model included; null while nobody can tell. */
export function secondsOf(estimate, count) {
  if (!estimate || estimate.first_s === null) return null
  return (estimate.load_s ?? 0) + estimate.first_s + (count - 1) * (estimate.next_s ?? estimate.first_s)
}
