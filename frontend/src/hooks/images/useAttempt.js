import { useCallback } from 'react'

import { useErrorText } from '../server/useErrorText.js'
import { useToast } from '../ui/useToast.js'

/** Runs something for a person: what goes wrong becomes a passing sentence. */
export function useAttempt() {
  const toast = useToast()
  const { errorText } = useErrorText()
  return useCallback(
    async (work) => {
      try {
        return await work()
      } catch (error) {
        toast({ text: errorText(error) })
        return undefined
      }
    },
    [toast, errorText],
  )
}
