import { useTranslation } from 'react-i18next'

import Icon from '../ui/Icon.jsx'

/** Says that newer pictures have come while older ones were looked at, and shows them. */
export default function NewPictures({ count, onShow }) {
  const { t } = useTranslation()
  if (count === 0) return null
  return (
    <div className="new-pictures">
      <button type="button" className="chip" onClick={onShow}>
        <Icon name="up" size={14} /> {t('gallery.new', { count })}
      </button>
    </div>
  )
}
