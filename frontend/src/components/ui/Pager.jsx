import { useState } from 'react'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { parseNumber } from '../../lib/digits.js'
import DigitInput from './DigitInput.jsx'
import Icon from './Icon.jsx'

/** Fewer pages than these are quickly turned. */
const MANY = 4

/** A page to go to by its number. */
function PageField({ pages, onChange }) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const go = (event) => {
    event.preventDefault()
    const page = parseNumber(text)
    setText('')
    if (page >= 1) onChange(Math.min(pages, Math.floor(page)))
  }
  return (
    <form onSubmit={go}>
      <DigitInput size="sm" className="page-field" aria-label={t('gallery.goTo')} placeholder="…" value={text} onType={setText} />
    </form>
  )
}

/** Newer and older pages, and any by its number. Nothing while one page holds all. */
export default function Pager({ page, pages, onChange }) {
  const { t } = useTranslation()
  if (pages <= 1) return null
  return (
    <nav className="pager" aria-label={t('gallery.pages')}>
      <Button variant="outline-secondary" size="sm" disabled={page <= 1} onClick={() => onChange(page - 1)}>
        <Icon name="left" size={16} /> {t('gallery.previousPage')}
      </Button>
      <span>{t('gallery.page', { page, pages })}</span>
      {pages >= MANY && <PageField pages={pages} onChange={onChange} />}
      <Button variant="outline-secondary" size="sm" disabled={page >= pages} onClick={() => onChange(page + 1)}>
        {t('gallery.nextPage')} <Icon name="right" size={16} />
      </Button>
    </nav>
  )
}
