import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import { useToast } from './useToast.js'

/** Copies a text and says so. */
export function useCopy() {
  const { t } = useTranslation()
  const toast = useToast()
  return useCallback(
    async (text, done) => {
      try {
        await navigator.clipboard.writeText(text)
        toast({ text: done })
      } catch {
        toast({ text: t('errors.clipboard') }) // Not allowed, or the page came over plain HTTP.
      }
    },
    [t, toast],
  )
}
