import { useMutation, useQueryClient } from '@tanstack/react-query'

import { startDownload, stopDownload } from '../../services/api.js'
import { MODELS_KEY } from './useModels.js'
import { VARIANTS_KEY } from './useVariants.js'

/** Begins or stops the download of a model; `error` is why the last of both was refused. */
export function useDownload(modelId) {
  const queryClient = useQueryClient()
  const onSettled = () => {
    queryClient.invalidateQueries({ queryKey: MODELS_KEY })
    queryClient.invalidateQueries({ queryKey: VARIANTS_KEY })
  }
  const start = useMutation({ mutationFn: () => startDownload(modelId), onSettled })
  const stop = useMutation({ mutationFn: () => stopDownload(modelId), onSettled })
  return {
    start: start.mutate,
    stop: stop.mutate,
    isPending: start.isPending || stop.isPending,
    error: start.error ?? stop.error,
  }
}
