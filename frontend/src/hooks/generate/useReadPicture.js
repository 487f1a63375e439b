import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import { fromParameters, missingParts } from '../../lib/generate/settings.js'
import { importPicture, readParameters } from '../../services/api.js'
import { useErrorText } from '../server/useErrorText.js'
import { useImageCache } from '../images/useImageCache.js'
import { useModels } from '../server/useModels.js'
import { useToast } from '../ui/useToast.js'

/** Programs that write their settings into pictures, by their own names. */
const SOURCES = { zimage: 'Z-Image', a1111: 'A1111', comfyui: 'ComfyUI', invokeai: 'InvokeAI', swarmui: 'SwarmUI', fooocus: 'Fooocus', novelai: 'NovelAI', drawthings: 'Draw Things' }

const PART_TEXTS = { prompt: 'drop.partPrompt', size: 'drop.partSize', steps: 'drop.partSteps', seed: 'drop.partSeed' }

/** A sentence about what was taken out of a picture, and one about what is not in it. */
function useOutcome() {
  const { t, i18n } = useTranslation()
  return useCallback(
    ({ source, parameters }) => {
      const missing = missingParts(parameters).map((part) => t(PART_TEXTS[part]))
      const parts = new Intl.ListFormat(i18n.language, { type: 'disjunction' }).format(missing)
      const done = t('drop.done', { source: SOURCES[source] ?? source })
      return missing.length > 0 ? `${done} ${t('drop.missing', { parts })}` : done
    },
    [t, i18n],
  )
}

/** Adds a picture file to the gallery, and says how that went. */
function useImport() {
  const { t } = useTranslation()
  const toast = useToast()
  const { errorText } = useErrorText()
  const { refresh } = useImageCache()
  return useCallback(
    async (file) => {
      try {
        const { image, isNew } = await importPicture(file)
        const done = t(isNew ? 'drop.added' : 'drop.known')
        toast({ text: image.prompt ? done : `${done} ${t('drop.missing', { parts: t('drop.partPrompt') })}` })
        await refresh()
      } catch (error) {
        toast({ text: errorText(error) })
      }
    },
    [toast, t, errorText, refresh],
  )
}

/**
 * Reads the settings that a picture file carries into the form, and offers to take that back and to add the picture to
 * the gallery. What the form does not know is left out.
 */
export function useReadPicture(onReplace) {
  const { t } = useTranslation()
  const toast = useToast()
  const { errorText } = useErrorText()
  const { data } = useModels()
  const add = useImport()
  const outcomeOf = useOutcome()
  return useCallback(
    async (file) => {
      try {
        const found = await readParameters(file)
        const installed = data?.models.filter((model) => model.installed) ?? []
        const undo = onReplace(fromParameters(found.parameters, installed))
        const offer = { label: t('drop.add'), onClick: () => add(file) }
        toast({ text: outcomeOf(found), action: offer, undo })
      } catch (error) {
        toast({ text: error.status === 422 ? t('drop.nothing') : errorText(error) })
      }
    },
    [data, onReplace, toast, t, errorText, add, outcomeOf],
  )
}
