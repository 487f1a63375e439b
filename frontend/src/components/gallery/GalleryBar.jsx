import { useState } from 'react'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import CardSize from './CardSize.jsx'
import GalleryFilters from './GalleryFilters.jsx'
import Icon from '../ui/Icon.jsx'

const VIEWS = [
  ['pages', 'grid'],
  ['scroll', 'layers'],
]

function Toggle({ icon, label, pressed, onClick }) {
  return (
    <button type="button" className="icon-button" aria-label={label} title={label} aria-pressed={pressed} onClick={onClick}>
      <Icon name={icon} filled={icon === 'heart' && pressed} />
    </button>
  )
}

/** Search, filters and the way of showing, above the gallery. */
export default function GalleryBar({ gallery, onChange }) {
  const { t } = useTranslation()
  const [more, setMore] = useState(false)
  const clearByEscape = (event) => {
    if (event.key !== 'Escape' || event.nativeEvent.isComposing || !gallery.q) return
    event.preventDefault()
    onChange({ q: '' })
  }
  return (
    <div role="search" className="gallery-bar">
      <div className="search-box">
        <Icon name="search" size={16} />
        <Form.Control
          type="search"
          size="sm"
          aria-label={t('filter.search')}
          placeholder={t('filter.search')}
          title={t('filter.searchHow')}
          value={gallery.q}
          onChange={(event) => onChange({ q: event.target.value })}
          onKeyDown={clearByEscape}
        />
      </div>
      <div className="bar-toggles">
        <Toggle
          icon="heart"
          label={t('filter.favourites')}
          pressed={gallery.favourite}
          onClick={() => onChange({ favourite: !gallery.favourite })}
        />
        <Toggle icon="filter" label={t('filter.more')} pressed={more} onClick={() => setMore(!more)} />
        <Toggle
          icon="trash"
          label={t('filter.trash')}
          pressed={gallery.trash}
          onClick={() => onChange({ trash: !gallery.trash })}
        />
        <CardSize />
        <div className="segments" role="group" aria-label={t('filter.view')}>
          {VIEWS.map(([view, icon]) => (
            <button
              key={view}
              type="button"
              aria-pressed={gallery.view === view}
              aria-label={t(`filter.views.${view}`)}
              title={t(`filter.views.${view}`)}
              onClick={() => onChange({ view })}
            >
              <Icon name={icon} size={16} />
            </button>
          ))}
        </div>
      </div>
      {more && <GalleryFilters gallery={gallery} onChange={onChange} />}
    </div>
  )
}
