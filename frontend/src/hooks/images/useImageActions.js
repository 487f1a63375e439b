import { useCallback, useMemo } from 'react'
import { useTranslation } from 'react-i18next'

import { copyPicture, copyText } from '../../lib/clipboard.js'
import { toInfotext } from '../../lib/generate/infotext.js'
import { variationsOf } from '../../lib/images/pictures.js'
import { changeImages, deleteImage, fetchPicture } from '../../services/api.js'
import { useAttempt } from './useAttempt.js'
import { useImageCache } from './useImageCache.js'
import { useModelOf } from '../server/useModels.js'
import { useToast } from '../ui/useToast.js'
import { useZip } from './useZip.js'

/** As many as the server changes at a time. */
const MOST = 1000

/** Does one thing to any number of pictures; answers `{done, missing}`. */
async function changeInParts(ids, change) {
  const whole = { done: [], missing: [] }
  for (let from = 0; from < ids.length; from += MOST) {
    const { done, missing } = await changeImages({ ids: ids.slice(from, from + MOST), ...change })
    whole.done.push(...done)
    whole.missing.push(...missing)
  }
  return whole
}

/** What can be done to pictures, one or many: shown at once, said in a passing sentence, undone where it deletes. */
export function useImageActions({ onVary } = {}) {
  const { t } = useTranslation()
  const toast = useToast()
  const attempt = useAttempt()
  const { patch, refresh } = useImageCache()
  const modelOf = useModelOf()

  const bulk = useCallback(
    async (ids, action, extra = {}) => {
      const answer = await attempt(() => changeInParts(ids, { action, ...extra })).finally(refresh)
      if (answer?.missing.length > 0) toast({ text: t('gallery.missing', { count: answer.missing.length }) })
      return answer
    },
    [attempt, refresh, toast, t],
  )
  const restore = useCallback((ids) => bulk(ids, 'restore'), [bulk])
  /** Says so, too: what comes back may be out of sight. */
  const restoreAloud = useCallback(
    async (ids) => {
      const done = (await restore(ids))?.done ?? []
      const say = (count) => t('gallery.restored', { count })
      if (done.length > 0) toast({ group: { name: 'restored', items: done, say } })
    },
    [restore, toast, t],
  )
  const trash = useCallback(
    async (ids) => {
      const answer = await bulk(ids, 'delete')
      const done = answer?.done ?? []
      const say = (count) => t('gallery.trashed', { count })
      if (done.length > 0) toast({ group: { name: 'trashed', items: done, say }, undo: restoreAloud })
      return done
    },
    [bulk, restoreAloud, toast, t],
  )
  const favour = useCallback(
    (ids, favourite) => {
      patch(ids, () => ({ favourite }))
      return bulk(ids, favourite ? 'favourite' : 'unfavourite')
    },
    [patch, bulk],
  )
  const tag = useCallback(
    (ids, name, has = true) => {
      patch(ids, ({ tags = [] }) => ({ tags: has ? [...new Set([...tags, name])] : tags.filter((tag) => tag !== name) }))
      return bulk(ids, has ? 'tag' : 'untag', { tag: name })
    },
    [patch, bulk],
  )
  const purge = useCallback(
    (ids) =>
      attempt(async () => {
        for (const id of ids) await deleteImage(id, { permanent: true })
        toast({ text: t('gallery.purged', { count: ids.length }) })
      }).finally(refresh),
    [attempt, refresh, toast, t],
  )
  const download = useZip()
  const copyPrompt = useCallback(
    async ({ prompt }) => toast({ text: t((await copyText(prompt)) ? 'image.promptCopied' : 'errors.clipboard') }),
    [toast, t],
  )
  const copySettings = useCallback(
    async (image) => toast({ text: t((await copyText(toInfotext(image))) ? 'image.settingsCopied' : 'errors.clipboard') }),
    [toast, t],
  )
  const copy = useCallback(
    (image) =>
      attempt(async () => {
        const reason = await copyPicture(() => fetchPicture(image))
        toast({ text: t(reason ?? 'image.pictureCopied') })
      }),
    [attempt, toast, t],
  )
  const vary = useCallback(
    (image) => attempt(() => onVary([variationsOf(image, modelOf(image.model))])),
    [attempt, onVary, modelOf],
  )
  return useMemo(
    () => ({ trash, restore, purge, favour, tag, download, copyPrompt, copySettings, copyPicture: copy, vary }),
    [trash, restore, purge, favour, tag, download, copyPrompt, copySettings, copy, vary],
  )
}
