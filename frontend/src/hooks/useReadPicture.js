import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import { fromParameters } from '../lib/settings.js'
import { readParameters } from '../services/api.js'
import { useErrorText } from './useErrorText.js'
import { useModels } from './useModels.js'
import { useToast } from './useToast.js'

/** Programs that write their settings into pictures, by their own names. */
const SOURCES = { zimage: 'Z-Image', a1111: 'A1111', comfyui: 'ComfyUI', invokeai: 'InvokeAI', swarmui: 'SwarmUI' }

/** Reads the settings that a picture file carries into the form. What the form does not know is left out. */
export function useReadPicture(onChange) {
  const { t } = useTranslation()
  const toast = useToast()
  const { errorText } = useErrorText()
  const { data } = useModels()
  return useCallback(
    async (file) => {
      try {
        const { source, parameters } = await readParameters(file)
        const installed = data?.models.filter((model) => model.installed) ?? []
        onChange(fromParameters(parameters, installed))
        toast({ text: t('drop.done', { source: SOURCES[source] ?? source }) })
      } catch (error) {
        toast({ text: error.status === 422 ? t('drop.nothing') : errorText(error) })
      }
    },
    [data, onChange, toast, t, errorText],
  )
}
