import { useState } from 'react'
import Form from 'react-bootstrap/Form'
import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import './CompareDialog.css'
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
  const [share, setShare] = useState(50)
  return (
    <Modal show fullscreen className="compare" aria-labelledby="compare-title" onHide={onClose}>
      <Modal.Body>
        <DialogHead id="compare-title" onClose={onClose}>
          {t('compare.title')}
        </DialogHead>
        <div className="compare-stage" style={{ '--share': `${share}%`, aspectRatio: `${first.width} / ${first.height}` }}>
          <img src={first.download_url} alt={`A: ${first.prompt}`} />
          <img className="compare-over" src={second.download_url} alt={`B: ${second.prompt}`} />
          <Form.Range
            className="compare-range"
            aria-label={t('compare.slider')}
            aria-valuetext={t('compare.share', { percent: 100 - share })}
            value={share}
            onChange={(event) => setShare(Number(event.target.value))}
          />
        </div>
        <div className="compare-captions">
          <Caption image={first} side="A" />
          <Caption image={second} side="B" />
        </div>
      </Modal.Body>
    </Modal>
  )
}
