import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useRelatives } from '../../hooks/images/inputs/useRelatives.js'
import { useThumbnailWidths } from '../../hooks/images/useThumbnailWidths.js'
import { openInstead } from '../../hooks/ui/useOpened.js'
import { smallestThumbnail } from '../../lib/images/thumbnails.js'
import Icon from '../ui/Icon.jsx'
import './Relatives.css'

function Relative({ picture, src, label }) {
  if (!picture) return <img className="relative" src={src} alt={label} />
  return (
    <button type="button" className="relative" aria-label={label} title={label} onClick={() => openInstead({ picture: picture.id })}>
      <img src={src} alt="" />
    </button>
  )
}

/**
 * The chain that a picture stands in: what it was drawn from, and what was drawn from it.
 *
 * `onCompare` is told the address of what it was drawn from, null where that is seen beside it (`isCompared`) already.
 */
export default function Relatives({ image, isCompared, onCompare }) {
  const { t } = useTranslation()
  const { origin, references, children } = useRelatives(image)
  const widths = useThumbnailWidths()
  if (!origin && references.length + children.length === 0) return null
  return (
    <div className="relatives">
      {origin && (
        <section aria-label={t('image.origin')}>
          <h3>{t('image.origin')}</h3>
          <Relative picture={origin.picture} src={origin.url} label={t('image.originOf', { prompt: origin.picture?.prompt ?? '' })} />
          <Button variant="outline-secondary" size="sm" aria-pressed={isCompared} onClick={() => onCompare(isCompared ? null : origin.url)}>
            <Icon name="compare" /> {t('image.beforeAfter')}
          </Button>
        </section>
      )}
      {references.length > 0 && (
        <section aria-label={t('image.references')}>
          <h3>{t('image.references')}</h3>
          {references.map(({ id, url, picture }, at) => (
            <span key={`${id} ${at}`} className="relative-numbered">
              <Relative picture={picture} src={url} label={t('image.referenceOf', { number: at + 1, prompt: picture?.prompt ?? '' })} />
              <span aria-hidden="true">{at + 1}</span>
            </span>
          ))}
        </section>
      )}
      {children.length > 0 && (
        <section aria-label={t('image.children')}>
          <h3>{t('image.children')}</h3>
          {children.map((child) => (
            <Relative key={child.id} picture={child} src={smallestThumbnail(child, widths)} label={child.prompt} />
          ))}
        </section>
      )}
    </div>
  )
}
