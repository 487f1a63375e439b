import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import Icon from './Icon.jsx'

/** Newer and older pages. Nothing while one page holds all. */
export default function Pager({ page, pages, onChange }) {
  const { t } = useTranslation()
  if (pages <= 1) return null
  return (
    <nav className="pager" aria-label={t('gallery.pages')}>
      <Button variant="outline-secondary" size="sm" disabled={page <= 1} onClick={() => onChange(page - 1)}>
        <Icon name="left" size={16} /> {t('gallery.previousPage')}
      </Button>
      <span>{t('gallery.page', { page, pages })}</span>
      <Button variant="outline-secondary" size="sm" disabled={page >= pages} onClick={() => onChange(page + 1)}>
        {t('gallery.nextPage')} <Icon name="right" size={16} />
      </Button>
    </nav>
  )
}
