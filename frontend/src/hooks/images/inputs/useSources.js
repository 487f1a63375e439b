import { useCallback, useMemo } from 'react'
import { useTranslation } from 'react-i18next'

import { newControl } from '../../../lib/generate/control.js'
import { maskedBy, newEdit, originalOf } from '../../../lib/generate/edit.js'
import { toLiteral } from '../../../lib/generate/expand.js'
import { isReferable, REFERENCES_MAX } from '../../../lib/generate/references.js'
import { keepInput, makeMask } from '../../../services/api.js'
import { useToast } from '../../ui/useToast.js'
import { useAttempt } from '../useAttempt.js'

/** Keeps a file, or a picture of the history, on the server. */
function keep(source) {
  return keepInput(source instanceof Blob ? source : { image_id: source.id })
}

/** Takes pictures as references, as many as there is room for; `latestRef` is a ref to the form's values. */
function useRefer(latestRef, replaceAloud) {
  const { t } = useTranslation()
  const toast = useToast()
  const attempt = useAttempt()
  return useCallback(
    async (sources) => {
      const room = REFERENCES_MAX - latestRef.current.references.length
      const found = []
      for (const source of sources.slice(0, room)) {
        const kept = await attempt(() => keep(source))
        if (kept && isReferable(kept)) found.push(kept.input_id)
        else if (kept) toast({ text: t('references.unusable', kept) })
      }
      if (sources.length > room) toast({ text: t('references.full', { count: REFERENCES_MAX }) })
      if (found.length === 0) return
      const references = [...latestRef.current.references, ...found].slice(0, REFERENCES_MAX)
      replaceAloud({ references }, t('references.added', { count: found.length }))
    },
    [attempt, toast, latestRef, replaceAloud, t],
  )
}

/**
 * The ways to give the form pictures, files or some of the history.
 *
 * `latestRef` is a ref to the form's values; `change` changes some, `replaceAloud` replaces some, says so and offers to
 * take it back.
 */
export function useSources({ latestRef, change, replaceAloud }) {
  const { t } = useTranslation()
  const attempt = useAttempt()
  const refer = useRefer(latestRef, replaceAloud)
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
  /** Draws from a picture; a form without a prompt takes that one's. */
  const drawFrom = useCallback(
    (source) =>
      attempt(async () => {
        const kept = await keep(source)
        const { prompt, edit } = latestRef.current
        const before = edit && { strength: edit.strength, feather: edit.feather }
        const words = source.prompt && !prompt.trim() ? { prompt: toLiteral(source.prompt) } : {}
        replaceAloud({ edit: { ...newEdit(kept.input_id, kept), ...before }, ...words }, t('edit.taken'))
      }),
    [attempt, latestRef, replaceAloud, t],
  )
  /** Lets a picture guide the composition. */
  const guideBy = useCallback(
    (file) =>
      attempt(async () => {
        const { input_id: id } = await keep(file)
        change({ control: [...latestRef.current.control, newControl(id)] })
      }),
    [attempt, latestRef, change],
  )
  return useMemo(() => ({ drawFrom, guideBy, refer, maskTransparent }), [drawFrom, guideBy, refer, maskTransparent])
}
