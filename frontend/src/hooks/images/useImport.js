import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import { importPicture } from '../../services/api.js'
import { useErrorText } from '../server/useErrorText.js'
import { useToast } from '../ui/useToast.js'
import { useImageCache } from './useImageCache.js'

/** Adds one picture file; what is said about it is a sentence or two. */
function useOne() {
  const { t } = useTranslation()
  return useCallback(
    async (file) => {
      const { image, isNew } = await importPicture(file)
      const done = t(isNew ? 'drop.added' : 'drop.known')
      return image.prompt ? done : `${done} ${t('drop.missing', { parts: t('drop.partPrompt') })}`
    },
    [t],
  )
}

/** Adds many, whatever becomes of some of them, and says how many are in the gallery now. */
function useMany() {
  const { t } = useTranslation()
  const { errorText } = useErrorText()
  return useCallback(
    async (files) => {
      const failures = []
      for (const file of files) await importPicture(file).catch((error) => failures.push(error))
      const done = t('drop.addedMany', { count: files.length - failures.length })
      return failures.length > 0 ? `${done} ${t('drop.failedMany', { count: failures.length, reason: errorText(failures[0]) })}` : done
    },
    [t, errorText],
  )
}

/** Adds picture files to the gallery, and says how that went. */
export function useImport() {
  const toast = useToast()
  const { errorText } = useErrorText()
  const { refresh } = useImageCache()
  const [addOne, addMany] = [useOne(), useMany()]
  return useCallback(
    async (files) => {
      try {
        toast({ text: files.length > 1 ? await addMany(files) : await addOne(files[0]) })
      } catch (error) {
        toast({ text: errorText(error) })
      }
      await refresh()
    },
    [toast, errorText, refresh, addOne, addMany],
  )
}
