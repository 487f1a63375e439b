import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import Icon from '../ui/Icon.jsx'

function useWords({ trash }, isFiltered, isBeyond) {
  const { t } = useTranslation()
  if (isBeyond) return { title: t('gallery.emptyPage') }
  if (isFiltered) return { title: t('gallery.emptyFilter') }
  if (trash) return { title: t('gallery.emptyTrash'), text: t('gallery.emptyTrashText') }
  return { title: t('gallery.emptyTitle'), text: t('gallery.emptyText') }
}

/** Why there is nothing, and the way out. */
export default function GalleryEmpty({ gallery, onFirstPage, onClear }) {
  const { t } = useTranslation()
  const { title, text } = useWords(gallery, Boolean(onClear), Boolean(onFirstPage))
  return (
    <div className="gallery-empty">
      <Icon name={gallery.trash ? 'trash' : 'picture'} size={32} />
      <p className="empty-title">{title}</p>
      {text && <p>{text}</p>}
      {onFirstPage && (
        <Button variant="outline-secondary" size="sm" onClick={onFirstPage}>
          {t('gallery.firstPage')}
        </Button>
      )}
      {onClear && !onFirstPage && (
        <Button variant="outline-secondary" size="sm" onClick={onClear}>
          {t('filter.clear')}
        </Button>
      )}
    </div>
  )
}
