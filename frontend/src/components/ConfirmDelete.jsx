import Button from 'react-bootstrap/Button'
import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import { useAnnounce } from '../hooks/useAnnounce.js'
import { useErrorText } from '../hooks/useErrorText.js'
import { useDeleteImage } from '../hooks/useHistory.js'
import './ConfirmDelete.css'

/** Asks before a picture is deleted. */
export default function ConfirmDelete({ image, onClose }) {
  const { t } = useTranslation()
  const announce = useAnnounce()
  const { errorText } = useErrorText()
  const { mutate, isPending, error } = useDeleteImage()
  const confirm = () =>
    mutate(image.id, {
      onSuccess: () => {
        announce(t('confirm.deleted'))
        onClose()
      },
    })
  return (
    <Modal show centered className="confirm" backdropClassName="confirm-backdrop" aria-labelledby="confirm-title" onHide={onClose}>
      <Modal.Body>
        <img src={image.thumbnail_url} width="96" height="96" alt="" />
        <div>
          <h2 id="confirm-title">{t('confirm.title')}</h2>
          <p className="prompt-text clamp">{image.prompt}</p>
          <p className="muted">{t('confirm.text')}</p>
          {error && (
            <p className="field-error" role="alert">
              {t('confirm.failed', { reason: errorText(error) })}
            </p>
          )}
          <div className="actions">
            <Button variant="danger" disabled={isPending} onClick={confirm}>
              {t('common.delete')}
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
