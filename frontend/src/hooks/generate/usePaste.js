import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'

import { parseInfotext } from '../../lib/generate/infotext.js'
import { fromParameters } from '../../lib/generate/settings.js'
import { useModels } from '../server/useModels.js'
import { useToast } from '../ui/useToast.js'

const FIELD = 'input, textarea, [contenteditable]'

/** The pictures that are pasted, unless a field would rather take the text that comes with them. */
function picturesOf({ target, clipboardData }) {
  const isText = target.closest?.(FIELD) && clipboardData.types.includes('text/plain')
  return isText ? [] : [...clipboardData.files].filter(({ type }) => type.startsWith('image/'))
}

/** True where a text is pasted that is not the business of another field than the prompt. */
function meansPrompt({ target }) {
  return !target.closest?.(FIELD) || target.matches('.prompt')
}

/**
 * Takes what is pasted anywhere: pictures go to `onPictures`; of a text that tells of a picture's settings, those are
 * offered to `onReplace`.
 */
export function usePaste({ onPictures, onReplace }) {
  const { t } = useTranslation()
  const toast = useToast()
  const { data } = useModels()
  useEffect(() => {
    const read = (parameters) => {
      const installed = data?.models.filter((model) => model.installed) ?? []
      const undo = onReplace(fromParameters(parameters, installed))
      toast({ text: t('drop.doneText'), undo })
    }
    const onPaste = (event) => {
      if (!event.clipboardData) return
      const pictures = picturesOf(event)
      if (pictures.length > 0) {
        event.preventDefault()
        onPictures(pictures)
        return
      }
      const parameters = meansPrompt(event) && parseInfotext(event.clipboardData.getData('text/plain'))
      if (parameters) toast({ text: t('drop.infotext'), action: { label: t('drop.read'), onClick: () => read(parameters) } })
    }
    window.addEventListener('paste', onPaste)
    return () => window.removeEventListener('paste', onPaste)
  }, [data, onPictures, onReplace, toast, t])
}
