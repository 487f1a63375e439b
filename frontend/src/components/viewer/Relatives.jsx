import { useState } from 'react'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useRelatives } from '../../hooks/images/inputs/useRelatives.js'
import { useThumbnailWidths } from '../../hooks/images/useThumbnailWidths.js'
import { openInstead } from '../../hooks/ui/useOpened.js'
import { smallestThumbnail } from '../../lib/images/thumbnails.js'
import BeforeAfter from '../ui/BeforeAfter.jsx'
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

/** The chain that a picture stands in: what it was drawn from, and what was drawn from it. */
export default function Relatives({ image }) {
  const { t } = useTranslation()
  const { origin, children } = useRelatives(image)
  const widths = useThumbnailWidths()
  const [isCompared, setCompared] = useState(false)
  if (!origin && children.length === 0) return null
  return (
    <div className="relatives">
      {origin && (
        <section aria-label={t('image.origin')}>
          <h3>{t('image.origin')}</h3>
          <Relative picture={origin.picture} src={origin.url} label={t('image.originOf', { prompt: origin.picture?.prompt ?? '' })} />
          <Button variant="outline-secondary" size="sm" aria-expanded={isCompared} onClick={() => setCompared(!isCompared)}>
            <Icon name="compare" /> {t('image.beforeAfter')}
          </Button>
          {isCompared && (
            <BeforeAfter
              before={{ url: origin.url, alt: t('image.before'), label: t('image.before'), growth: image.outpaint }}
              after={{ url: image.download_url, alt: t('image.after'), label: t('image.after') }}
              width={image.width}
              height={image.height}
            />
          )}
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
