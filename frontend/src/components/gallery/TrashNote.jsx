import { useTranslation } from 'react-i18next'

import { useTrashDays } from '../../hooks/server/useTrashDays.js'

/** When the trash empties itself. */
export default function TrashNote() {
  const { t } = useTranslation()
  const days = useTrashDays()
  if (days === undefined) return null
  const text = days < 1 ? t('gallery.trashHours') : t('gallery.trashDays', { count: Math.round(days) })
  return <p className="trash-note muted">{text}</p>
}
