import { useTranslation } from 'react-i18next'

import { useToast } from '../../ui/useToast.js'

const idsOf = (images) => images.map(({ id }) => id)

/** Gives a tag to pictures, or takes it away, says so, and offers to take that back: `{tag, untag}`, told its name. */
export function useBulkTags(images, { tag: change }) {
  const { t } = useTranslation()
  const toast = useToast()
  const set = async (tag, has) => {
    const others = images.filter(({ tags = [] }) => tags.includes(tag) !== has)
    const count = has ? images.length : others.length
    const answer = await change(idsOf(has ? images : others), tag, has)
    if (!answer) return
    const text = has ? t('gallery.tagged', { count, tag }) : t('gallery.untagged', { count, tag })
    toast({ text, undo: others.length > 0 ? () => change(idsOf(others), tag, !has) : undefined })
  }
  return { tag: (tag) => set(tag, true), untag: (tag) => set(tag, false) }
}
