import { useCallback, useMemo } from 'react'
import { useTranslation } from 'react-i18next'

import { shorten } from '../../../lib/format.js'
import { newControl } from '../../../lib/generate/control.js'
import { maskedBy, newEdit, originalOf } from '../../../lib/generate/edit.js'
import { toLiteral } from '../../../lib/generate/expand.js'
import { isReferable, REFERENCES_MAX } from '../../../lib/generate/references.js'
import { keepInput, makeMask } from '../../../services/api.js'
import { useErrorText } from '../../server/useErrorText.js'
import { useToast } from '../../ui/useToast.js'
import { useAttempt } from '../useAttempt.js'

/** Keeps a file, or a picture of the history, on the server. */
function keep(source) {
  return keepInput(source instanceof Blob ? source : { image_id: source.id })
}

/** What a person may call a picture by: its file's name, or its prompt. */
const nameOf = (source) => shorten(source.name || source.prompt || '')

/** Takes pictures as references, as many as there is room for; `latestRef` is a ref to the form's values. */
function useRefer({ latestRef, replaceAloud, bring }) {
  const { t } = useTranslation()
  const toast = useToast()
  const { errorText } = useErrorText()
  return useCallback(
    (sources) =>
      bring('references', sources.map(nameOf), async ({ isWanted, fail }) => {
        const room = REFERENCES_MAX - latestRef.current.references.length
        const found = []
        for (const source of sources.slice(0, room)) {
          try {
            const kept = await keep(source)
            if (isReferable(kept)) found.push(kept.input_id)
            else fail(t('references.unusable', kept))
          } catch (error) {
            fail(errorText(error)) // The others come nevertheless.
          }
        }
        if (!isWanted()) return
        if (sources.length > room) toast({ text: t('references.full', { count: REFERENCES_MAX }) })
        if (found.length === 0) return
        const references = [...latestRef.current.references, ...found].slice(0, REFERENCES_MAX)
        replaceAloud({ references }, t('references.added', { count: found.length }))
      }),
    [toast, errorText, latestRef, replaceAloud, bring, t],
  )
}

/**
 * The ways to give the form pictures, files or some of the history.
 *
 * `latestRef` is a ref to the form's values; `change` changes some, `replaceAloud` replaces some, says so and offers to
 * take it back; `bring` is that of useArrivals.
 */
export function useSources({ latestRef, change, replaceAloud, bring }) {
  const { t } = useTranslation()
  const attempt = useAttempt()
  const refer = useRefer({ latestRef, replaceAloud, bring })
  /** Lets what is transparent in the picture that is drawn from be what is repainted. */
  const maskTransparent = useCallback(
    () =>
      attempt(async () => {
        const original = originalOf(latestRef.current.edit)
        const { input_id: mask } = await makeMask({ image: { input_id: original } })
        const { edit } = latestRef.current
        if (edit && originalOf(edit) === original) replaceAloud({ edit: { ...edit, ...maskedBy(mask) } }, t('edit.maskTaken'))
      }),
    [attempt, latestRef, replaceAloud, t],
  )
  /** Draws from a picture, the one that was chosen last; a form without a prompt takes that one's. */
  const drawFrom = useCallback(
    (source) => {
      const work = async ({ isWanted }) => {
        const kept = await keep(source)
        if (!isWanted()) return
        const { prompt, edit } = latestRef.current
        const before = edit && { strength: edit.strength, feather: edit.feather }
        const words = source.prompt && !prompt.trim() ? { prompt: toLiteral(source.prompt) } : {}
        replaceAloud({ edit: { ...newEdit(kept.input_id, kept), ...before }, ...words }, t('edit.taken'))
      }
      return bring('edit', [nameOf(source)], work, { isAlone: true })
    },
    [bring, latestRef, replaceAloud, t],
  )
  /** Lets a picture guide the composition. */
  const guideBy = useCallback(
    (source) =>
      bring('control', [nameOf(source)], async ({ isWanted }) => {
        const { input_id: id } = await keep(source)
        if (isWanted()) change({ control: [...latestRef.current.control, newControl(id)] })
      }),
    [bring, latestRef, change],
  )
  return useMemo(() => ({ drawFrom, guideBy, refer, maskTransparent }), [drawFrom, guideBy, refer, maskTransparent])
}
