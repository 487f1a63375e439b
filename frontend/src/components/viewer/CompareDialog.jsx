import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import './CompareDialog.css'
import BeforeAfter from '../ui/BeforeAfter.jsx'
import DialogHead from '../ui/DialogHead.jsx'

function Caption({ image, side }) {
  const { t } = useTranslation()
  return (
    <p className="compare-caption">
      <strong>{side}</strong> {image.prompt}
      <span className="muted">
        {' '}
        · <span className="unbroken">{t('image.seed')} {image.seed}</span> · {image.width} × {image.height}
      </span>
    </p>
  )
}

/** Two pictures on top of each other; a slider says how much of the second is seen. */
export default function CompareDialog({ first, second, onClose }) {
  const { t } = useTranslation()
  return (
    <Modal show fullscreen className="compare" aria-labelledby="compare-title" onHide={onClose}>
      <Modal.Body>
        <DialogHead id="compare-title" onClose={onClose}>
          {t('compare.title')}
        </DialogHead>
        <BeforeAfter
          before={{ url: first.download_url, alt: `A: ${first.prompt}` }}
          after={{ url: second.download_url, alt: `B: ${second.prompt}` }}
          width={first.width}
          height={first.height}
        />
        <div className="compare-captions">
          <Caption image={first} side="A" />
          <Caption image={second} side="B" />
        </div>
      </Modal.Body>
    </Modal>
  )
}
