import { lazy, Suspense, useState } from 'react'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useLatestImage } from '../hooks/useLatestImage.js'
import './LatestImage.css'
import Icon from './Icon.jsx'
import ImageDetails from './ImageDetails.jsx'
import QueryFaces from './QueryFaces.jsx'

const Lightbox = lazy(() => import('./Lightbox.jsx'))

function Empty() {
  const { t } = useTranslation()
  return (
    <div className="stage stage-empty">
      <Icon name="picture" size={44} />
      <p className="empty-title">{t('latest.emptyTitle')}</p>
      <p>{t('latest.emptyText')}</p>
    </div>
  )
}

function Stage({ image, onOpen }) {
  const { t } = useTranslation()
  return (
    <button type="button" className="stage" aria-label={t('latest.open', { prompt: image.prompt })} onClick={onOpen}>
      {/* The picture's own colours, blurred, fill the room beside it. */}
      <img className="stage-glow" src={image.thumbnail_url} alt="" />
      <img
        key={image.id}
        className="stage-image"
        src={image.download_url}
        width={image.width}
        height={image.height}
        alt={image.prompt}
      />
    </button>
  )
}

function Latest({ image, onUseSettings }) {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  return (
    <>
      <Stage image={image} onOpen={() => setOpen(true)} />
      <div className="latest-caption">
        <p className="prompt-text">{image.prompt}</p>
        <div className="actions">
          <Button variant="outline-secondary" size="sm" onClick={() => onUseSettings(image)}>
            <Icon name="reuse" /> {t('common.useSettings')}
          </Button>
          <Button variant="outline-secondary" size="sm" href={image.download_url} download={image.filename}>
            <Icon name="download" /> {t('common.download')}
          </Button>
        </div>
      </div>
      <ImageDetails image={image} />
      {open && (
        <Suspense>
          <Lightbox images={[image]} imageId={image.id} onClose={() => setOpen(false)} onUseSettings={onUseSettings} />
        </Suspense>
      )}
    </>
  )
}

/** The newest picture, large, with its settings. */
export default function LatestImage({ onUseSettings }) {
  const { t } = useTranslation()
  const query = useLatestImage()
  return (
    <section className="panel latest" aria-labelledby="latest-title">
      <h2 id="latest-title">{t('latest.title')}</h2>
      <QueryFaces query={query} pending={<div className="stage stage-pending" />}>
        {(image) => (image ? <Latest image={image} onUseSettings={onUseSettings} /> : <Empty />)}
      </QueryFaces>
    </section>
  )
}
