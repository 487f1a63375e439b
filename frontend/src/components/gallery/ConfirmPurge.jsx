import Button from 'react-bootstrap/Button'
import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import { useThumbnailWidths } from '../../hooks/images/useThumbnailWidths.js'
import { smallestThumbnail } from '../../lib/images/thumbnails.js'
import './ConfirmPurge.css'

/** Asks before pictures in the trash are deleted for good: this alone cannot be undone. */
export default function ConfirmPurge({ images, onPurge, onClose }) {
  const { t } = useTranslation()
  const confirm = () => {
    onPurge(images.map(({ id }) => id))
    onClose()
  }
  const [first] = images
  const widths = useThumbnailWidths()
  return (
    <Modal show centered className="confirm" aria-labelledby="confirm-title" onHide={onClose}>
      <Modal.Body>
        <img src={smallestThumbnail(first, widths)} width="96" height="96" alt="" />
        <div>
          <h2 id="confirm-title">{t('confirm.title', { count: images.length })}</h2>
          {images.length === 1 && <p className="prompt-text clamp">{first.prompt}</p>}
          <p className="muted">{t('confirm.text')}</p>
          <div className="actions">
            <Button variant="danger" onClick={confirm}>
              {t('gallery.purge')}
            </Button>
            <Button variant="outline-secondary" onClick={onClose}>
              {t('common.cancel')}
            </Button>
          </div>
        </div>
      </Modal.Body>
    </Modal>
  )
}
