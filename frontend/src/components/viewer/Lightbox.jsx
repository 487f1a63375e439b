import { useEffect, useRef, useState } from 'react'
import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import { useHasKeyboard } from '../../hooks/input/useHasKeyboard.js'
import { useHotkeys } from '../../hooks/input/useHotkeys.js'
import { useLeftOverEscape } from '../../hooks/input/useLeftOverEscape.js'
import { useSwipe } from '../../hooks/input/useSwipe.js'
import { useZoom } from '../../hooks/input/useZoom.js'
import './Lightbox.css'
import Icon from '../ui/Icon.jsx'
import LightboxInfo from './LightboxInfo.jsx'
import Strip from './Strip.jsx'

const PAN_PX = 80

/** A way that ends keeps its button: what has the focus must not vanish from under it. */
function Turn({ side, label, to, onGo }) {
  return (
    <button
      type="button"
      className={`icon-button lightbox-${side}`}
      aria-label={label}
      aria-disabled={to === null}
      onClick={() => to !== null && onGo(to)}
    >
      <Icon name={side} size={26} />
    </button>
  )
}

function LightboxKeys({ zoom, inTrash, total, previous, next, onGo, onFavour, onDelete, onInfo }) {
  const goTo = (index) => index !== null && onGo(index)
  useHotkeys(
    {
      // Of a picture that is larger than the window, the arrows show another part.
      ArrowLeft: () => (zoom.zoomed ? zoom.pan(PAN_PX, 0) : goTo(previous)),
      ArrowRight: () => (zoom.zoomed ? zoom.pan(-PAN_PX, 0) : goTo(next)),
      ArrowUp: () => zoom.pan(0, PAN_PX),
      ArrowDown: () => zoom.pan(0, -PAN_PX),
      Home: () => goTo(previous === null ? null : 0),
      End: () => goTo(next === null ? null : total - 1),
      '+': zoom.zoomIn,
      '=': zoom.zoomIn,
      '-': zoom.zoomOut,
      0: zoom.fit,
      i: onInfo,
      ...(!inTrash && { f: onFavour, x: onDelete, Delete: onDelete }),
    },
    { inDialog: true },
  )
  return null
}

/** Loads the neighbours before they are asked for. */
function useNeighbours(addresses) {
  const list = addresses.filter(Boolean).join(' ')
  useEffect(() => {
    for (const src of list.split(' ').filter(Boolean)) Object.assign(new Image(), { src })
  }, [list])
}

/**
 * One picture in full, with ← and → through the whole list that it stands in, and Esc to close.
 *
 * `step` is the picture and its place; see useWalk. `previous` and `next` are the places beside it, null at the ends.
 */
export default function Lightbox({ step, previous, next, pictureAt, actions, onGo, onDelete, onClose, onReuse }) {
  const { t } = useTranslation()
  const [info, setInfo] = useState(true)
  const stageRef = useRef(null)
  const { image, index, total } = step
  const zoom = useZoom(image.id, stageRef)
  const swipe = useSwipe((side) => {
    const to = side === 'left' ? next : previous
    if (!zoom.zoomed && to !== null) onGo(to)
  })
  useNeighbours([pictureAt(next ?? -1)?.download_url, pictureAt(previous ?? -1)?.download_url])
  const { onKeyDownCapture, onEscapeKeyDown } = useLeftOverEscape(onClose)
  const infoText = useHasKeyboard() ? t('lightbox.info') : t('image.details')
  const title = step.isIn ? t('lightbox.title', { index: index + 1, count: total }) : t('lightbox.outside')
  const hasOthers = previous !== null || next !== null
  return (
    <Modal
      show
      fullscreen
      className={`lightbox ${info ? '' : 'lightbox-bare'}`}
      aria-label={title}
      restoreFocusOptions={{ preventScroll: true }}
      onHide={onClose}
      onEscapeKeyDown={onEscapeKeyDown}
    >
      <LightboxKeys
        zoom={zoom}
        inTrash={Boolean(image.deleted_at)}
        total={total}
        previous={previous}
        next={next}
        onGo={onGo}
        onFavour={() => actions.favour([image.id], !image.favourite)}
        onDelete={onDelete}
        onInfo={() => setInfo(!info)}
      />
      <Modal.Body onKeyDownCapture={onKeyDownCapture}>
        <div className="lightbox-view">
          <div className={`lightbox-stage ${zoom.zoomed ? 'zoomed' : ''}`} ref={stageRef} {...zoom.handlers} {...swipe}>
            <img
              key={image.id}
              src={image.download_url}
              width={image.width}
              height={image.height}
              alt={image.prompt}
              style={zoom.style}
              draggable={!zoom.zoomed}
            />
            {hasOthers && (
              <>
                <Turn side="left" label={t('lightbox.previous')} to={previous} onGo={onGo} />
                <Turn side="right" label={t('lightbox.next')} to={next} onGo={onGo} />
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
          {hasOthers && <Strip step={step} pictureAt={pictureAt} onGo={onGo} />}
        </div>
        {info && (
          <LightboxInfo image={image} title={title} actions={actions} onReuse={onReuse} onDelete={onDelete} onClose={onClose} />
        )}
      </Modal.Body>
    </Modal>
  )
}
