import Button from 'react-bootstrap/Button'
import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import { useArrowKeys } from '../hooks/useArrowKeys.js'
import './Lightbox.css'
import Icon from './Icon.jsx'
import ImageDetails from './ImageDetails.jsx'

function Turn({ side, label, image, onShow }) {
  return (
    <button
      type="button"
      className={`icon-button lightbox-${side}`}
      aria-label={label}
      disabled={!image}
      onClick={() => onShow(image.id)}
    >
      <Icon name={side} size={26} />
    </button>
  )
}

function LightboxActions({ image, onDelete, onUseSettings, onClose }) {
  const { t } = useTranslation()
  const use = () => {
    onUseSettings(image)
    onClose()
  }
  return (
    <div className="actions">
      <Button variant="outline-secondary" size="sm" onClick={use}>
        <Icon name="reuse" /> {t('common.useSettings')}
      </Button>
      <Button variant="outline-secondary" size="sm" href={image.download_url} download={image.filename}>
        <Icon name="download" /> {t('common.download')}
      </Button>
      {onDelete && (
        <Button variant="outline-danger" size="sm" onClick={() => onDelete(image)}>
          <Icon name="trash" /> {t('common.delete')}
        </Button>
      )}
    </div>
  )
}

/** One picture in full, with ← and → to its neighbours and Esc to close. */
export default function Lightbox({ images, imageId, onShow, onClose, onDelete, onUseSettings }) {
  const { t } = useTranslation()
  const index = images.findIndex(({ id }) => id === imageId)
  const image = images[index]
  const previous = images[index - 1]
  const next = images[index + 1]
  useArrowKeys({
    onLeft: () => previous && onShow(previous.id),
    onRight: () => next && onShow(next.id),
  })
  const title = t('lightbox.title', { index: index + 1, count: images.length })
  return (
    <Modal show fullscreen className="lightbox" aria-label={title} onHide={onClose}>
      <Modal.Body>
        <div className="lightbox-stage">
          <img src={image.download_url} width={image.width} height={image.height} alt={image.prompt} />
          {images.length > 1 && (
            <>
              <Turn side="left" label={t('lightbox.previous')} image={previous} onShow={onShow} />
              <Turn side="right" label={t('lightbox.next')} image={next} onShow={onShow} />
            </>
          )}
        </div>
        <aside className="lightbox-info">
          <div className="panel-head">
            <span className="muted">{title}</span>
            <button type="button" className="icon-button" aria-label={t('common.close')} onClick={onClose}>
              <Icon name="close" />
            </button>
          </div>
          <p className="prompt-text">{image.prompt}</p>
          <ImageDetails image={image} />
          <LightboxActions image={image} onDelete={onDelete} onUseSettings={onUseSettings} onClose={onClose} />
        </aside>
      </Modal.Body>
    </Modal>
  )
}
