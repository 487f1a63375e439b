import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import { fromParameters, missingParts } from '../../lib/generate/settings.js'
import { readParameters } from '../../services/api.js'
import { useErrorText } from '../server/useErrorText.js'
import { useImport } from '../images/useImport.js'
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

/**
 * Reads the settings that the first of some picture files carries into the form, and offers to take that back and to add
 * them all to the gallery. What the form does not know is left out; that others were left is said. A picture without
 * settings is offered to be what `offer` says, `{label, onTake}`.
 */
export function useReadPicture(onReplace, offer) {
  const { t } = useTranslation()
  const toast = useToast()
  const { errorText } = useErrorText()
  const { data } = useModels()
  const add = useImport()
  const outcomeOf = useOutcome()
  return useCallback(
    async (files) => {
      const [file, ...others] = files
      const left = others.length > 0 ? ` ${t('drop.left', { count: others.length })}` : ''
      try {
        const found = await readParameters(file)
        const installed = data?.models.filter((model) => model.installed) ?? []
        const undo = onReplace(fromParameters(found.parameters, installed))
        const label = left ? t('drop.addAll', { count: files.length }) : t('drop.add')
        toast({ text: outcomeOf(found) + left, action: { label, onClick: () => add(files) }, undo })
      } catch (error) {
        const isPlain = error.status === 422
        const action = isPlain && offer && { label: offer.label, onClick: () => offer.onTake(files) }
        toast({ text: (isPlain ? t('drop.nothing') : errorText(error)) + left, ...(action && { action }) })
      }
    },
    [data, onReplace, offer, toast, t, errorText, add, outcomeOf],
  )
}
