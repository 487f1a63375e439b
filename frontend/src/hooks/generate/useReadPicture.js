import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import { fromParameters } from '../../lib/generate/settings.js'
import { importPicture, readParameters } from '../../services/api.js'
import { useErrorText } from '../server/useErrorText.js'
import { useImageCache } from '../images/useImageCache.js'
import { useModels } from '../server/useModels.js'
import { useToast } from '../ui/useToast.js'

/** Programs that write their settings into pictures, by their own names. */
const SOURCES = { zimage: 'Z-Image', a1111: 'A1111', comfyui: 'ComfyUI', invokeai: 'InvokeAI', swarmui: 'SwarmUI', fooocus: 'Fooocus', novelai: 'NovelAI', drawthings: 'Draw Things' }

/** Adds a picture file to the gallery, and says how that went. */
function useImport() {
  const { t } = useTranslation()
  const toast = useToast()
  const { errorText } = useErrorText()
  const { refresh } = useImageCache()
  return useCallback(
    async (file) => {
      try {
        const { isNew } = await importPicture(file)
        toast({ text: t(isNew ? 'drop.added' : 'drop.known') })
        await refresh()
      } catch (error) {
        toast({ text: errorText(error) })
      }
    },
    [toast, t, errorText, refresh],
  )
}

/**
 * Reads the settings that a picture file carries into the form, and offers to add the picture to the gallery. What
 * the form does not know is left out.
 */
export function useReadPicture(onChange) {
  const { t } = useTranslation()
  const toast = useToast()
  const { errorText } = useErrorText()
  const { data } = useModels()
  const add = useImport()
  return useCallback(
    async (file) => {
      try {
        const { source, parameters } = await readParameters(file)
        const installed = data?.models.filter((model) => model.installed) ?? []
        onChange(fromParameters(parameters, installed))
        const offer = { label: t('drop.add'), onClick: () => add(file) }
        toast({ text: t('drop.done', { source: SOURCES[source] ?? source }), action: offer })
      } catch (error) {
        toast({ text: error.status === 422 ? t('drop.nothing') : errorText(error) })
      }
    },
    [data, onChange, toast, t, errorText, add],
  )
}
