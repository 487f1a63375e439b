import { useRef, useState } from 'react'
import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import { useHasKeyboard } from '../../hooks/ui/useHasKeyboard.js'
import { useHotkeys } from '../../hooks/ui/useHotkeys.js'
import { useZoom } from '../../hooks/ui/useZoom.js'
import './Lightbox.css'
import Icon from '../ui/Icon.jsx'
import ImageActions from './ImageActions.jsx'
import ImageDetails from './ImageDetails.jsx'
import TagEditor from './TagEditor.jsx'

const PAN_PX = 80

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

function LightboxKeys({ zoom, inTrash, previous, next, onShow, onFavour, onDelete, onInfo }) {
  useHotkeys(
    {
      // Of a picture that is larger than the window, the arrows show another part.
      ArrowLeft: () => (zoom.zoomed ? zoom.pan(PAN_PX, 0) : previous && onShow(previous.id)),
      ArrowRight: () => (zoom.zoomed ? zoom.pan(-PAN_PX, 0) : next && onShow(next.id)),
      ArrowUp: () => zoom.pan(0, PAN_PX),
      ArrowDown: () => zoom.pan(0, -PAN_PX),
      '+': zoom.zoomIn,
      '=': zoom.zoomIn,
      '-': zoom.zoomOut,
      0: zoom.fit,
      i: onInfo,
      ...(!inTrash && { f: onFavour, x: onDelete }),
    },
    { inDialog: true },
  )
  return null
}

function Info({ image, title, actions, onReuse, onDelete, onClose }) {
  const { t } = useTranslation()
  return (
    <aside className="lightbox-info">
      <div className="panel-head">
        <span className="muted">{title}</span>
        <button type="button" className="icon-button" aria-label={t('common.close')} onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <p className="prompt-text">{image.prompt}</p>
      <ImageDetails image={image} />
      {!image.deleted_at && <TagEditor image={image} onTag={actions.tag} />}
      <ImageActions
        image={image}
        actions={actions}
        onDelete={onDelete}
        onReuse={(...what) => {
          onReuse(...what)
          onClose()
        }}
      />
    </aside>
  )
}

/**
 * One picture in full, with ← and → to its neighbours, and Esc to close.
 *
 * When the shown one is deleted, its neighbour follows.
 */
export default function Lightbox({ images, imageId, actions, onShow, onClose, onReuse }) {
  const { t } = useTranslation()
  const [info, setInfo] = useState(true)
  const stageRef = useRef(null)
  const zoom = useZoom(imageId, stageRef)
  const index = images.findIndex(({ id }) => id === imageId)
  const image = images[index]
  const previous = images[index - 1]
  const next = images[index + 1]
  const remove = () => {
    const neighbour = next ?? previous
    actions.trash([image.id])
    if (neighbour) onShow(neighbour.id)
    else onClose()
  }
  const infoText = useHasKeyboard() ? t('lightbox.info') : t('image.details')
  const title = t('lightbox.title', { index: index + 1, count: images.length })
  return (
    <Modal show fullscreen className={`lightbox ${info ? '' : 'lightbox-bare'}`} aria-label={title} onHide={onClose}>
      <LightboxKeys
        zoom={zoom}
        inTrash={Boolean(image.deleted_at)}
        previous={previous}
        next={next}
        onShow={onShow}
        onFavour={() => actions.favour([image.id], !image.favourite)}
        onDelete={remove}
        onInfo={() => setInfo(!info)}
      />
      <Modal.Body>
        <div className={`lightbox-stage ${zoom.zoomed ? 'zoomed' : ''}`} ref={stageRef} {...zoom.handlers}>
          <img
            src={image.download_url}
            width={image.width}
            height={image.height}
            alt={image.prompt}
            style={zoom.style}
            draggable={!zoom.zoomed}
          />
          {images.length > 1 && (
            <>
              <Turn side="left" label={t('lightbox.previous')} image={previous} onShow={onShow} />
              <Turn side="right" label={t('lightbox.next')} image={next} onShow={onShow} />
            </>
          )}
          <button
            type="button"
            className="icon-button lightbox-toggle"
            aria-pressed={info}
            aria-label={infoText}
            title={infoText}
            onClick={() => setInfo(!info)}
          >
            <Icon name="info" />
          </button>
        </div>
        {info && (
          <Info image={image} title={title} actions={actions} onReuse={onReuse} onDelete={remove} onClose={onClose} />
        )}
      </Modal.Body>
    </Modal>
  )
}
