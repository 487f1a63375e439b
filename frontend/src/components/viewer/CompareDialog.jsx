import { useRef, useState } from 'react'
import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import { useZoom } from '../../hooks/input/useZoom.js'
import { useZoomKeys } from '../../hooks/input/useZoomKeys.js'
import './CompareDialog.css'
import BeforeAfter from '../ui/BeforeAfter.jsx'
import DialogHead from '../ui/DialogHead.jsx'
import CompareBar from './CompareBar.jsx'

const NAMES = ['A', 'B', 'C', 'D']
const altOf = (image, index) => `${NAMES[index]}: ${image.prompt}`

function Caption({ image, name }) {
  const { t } = useTranslation()
  return (
    <p className="compare-caption">
      <strong>{name}</strong> {image.prompt}
      <span className="muted">
        {' '}
        · <span className="unbroken">{t('image.seed')} {image.seed}</span> · {image.width} × {image.height}
      </span>
    </p>
  )
}

/** On top of each other: a slider says how much of the second is seen. */
function Line({ images: [first, second], zoom }) {
  return (
    <BeforeAfter
      before={{ url: first.download_url, alt: altOf(first, 0) }}
      after={{ url: second.download_url, alt: altOf(second, 1) }}
      width={first.width}
      height={first.height}
      zoom={zoom}
    />
  )
}

/** Beside each other, all at the same place. */
function Panes({ images, zoom }) {
  return (
    <div className="compare-panes">
      {images.map((image, index) => (
        <div key={image.id} className={`compare-pane zoom-pane ${zoom.zoomed ? 'zoomed' : ''}`}>
          <img className={zoom.isCrisp ? 'crisp' : undefined} style={zoom.style} src={image.download_url} alt={altOf(image, index)} draggable={false} />
          <span className="before-after-label before-after-left">{NAMES[index]}</span>
        </div>
      ))}
    </div>
  )
}

/** Two pictures on top of each other, or up to four beside each other; looking closer at one is looking closer at all. */
export default function CompareDialog({ images, onClose }) {
  const { t } = useTranslation()
  const isPair = images.length === 2
  const [isLine, setLine] = useState(true)
  const stage = useRef(null)
  const zoom = useZoom(images.map(({ id }) => id).join(), stage)
  useZoomKeys(zoom)
  return (
    <Modal show fullscreen className="compare" aria-labelledby="compare-title" onHide={onClose}>
      <Modal.Body style={{ '--count': images.length }}>
        <DialogHead id="compare-title" onClose={onClose}>
          {t('compare.title')}
        </DialogHead>
        <div className="compare-stage" ref={stage} {...zoom.handlers}>
          {isPair && isLine ? <Line images={images} zoom={zoom} /> : <Panes images={images} zoom={zoom} />}
        </div>
        <CompareBar zoom={zoom} isLine={isLine} onLine={isPair ? setLine : null} />
        <div className="compare-captions">
          {images.map((image, index) => (
            <Caption key={image.id} image={image} name={NAMES[index]} />
          ))}
        </div>
      </Modal.Body>
    </Modal>
  )
}
