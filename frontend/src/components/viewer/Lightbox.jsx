import { useEffect, useRef, useState } from 'react'
import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import { useHasKeyboard } from '../../hooks/input/useHasKeyboard.js'
import { useLeftOverEscape } from '../../hooks/input/useLeftOverEscape.js'
import { useSwipe } from '../../hooks/input/useSwipe.js'
import { useZoom } from '../../hooks/input/useZoom.js'
import './Lightbox.css'
import Icon from '../ui/Icon.jsx'
import LightboxInfo from './LightboxInfo.jsx'
import LightboxKeys from './LightboxKeys.jsx'
import LightboxPicture from './LightboxPicture.jsx'
import Strip from './Strip.jsx'

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

/** Details and the way out: at the same place whatever is shown. */
function Corner({ info, onInfo, onClose }) {
  const { t } = useTranslation()
  const text = useHasKeyboard() ? t('lightbox.info') : t('image.details')
  return (
    <div className="lightbox-corner">
      <button type="button" className="icon-button" aria-pressed={info} aria-label={text} title={text} onClick={onInfo}>
        <Icon name="info" />
      </button>
      <button type="button" className="icon-button" aria-label={t('common.close')} title={t('common.close')} onClick={onClose}>
        <Icon name="close" />
      </button>
    </div>
  )
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
export default function Lightbox({ step, previous, next, pictureAt, actions, onGo, onCompare, onDelete, onClose, onReuse }) {
  const { t } = useTranslation()
  const [info, setInfo] = useState(true)
  const stageRef = useRef(null)
  const { image, index, total } = step
  const [before, setBefore] = useState({ id: null, url: null })
  const beforeUrl = before.id === image.id ? before.url : null
  const zoom = useZoom(image.id, stageRef)
  const swipe = useSwipe((side) => {
    const to = side === 'left' ? next : previous
    if (!zoom.zoomed && to !== null) onGo(to)
  })
  const showBefore = (url) => {
    setBefore({ id: image.id, url })
    stageRef.current.scrollIntoView({ block: 'nearest' }) // On a phone the button is below it.
  }
  useNeighbours([pictureAt(next ?? -1)?.download_url, pictureAt(previous ?? -1)?.download_url])
  const { onKeyDownCapture, onEscapeKeyDown } = useLeftOverEscape(onClose)
  const reuse = (...what) => {
    onReuse(...what)
    onClose()
  }
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
        image={image}
        total={total}
        previous={previous}
        next={next}
        actions={actions}
        onGo={onGo}
        onReuse={reuse}
        onCompare={onCompare}
        onDelete={onDelete}
        onInfo={() => setInfo(!info)}
      />
      <Modal.Body onKeyDownCapture={onKeyDownCapture}>
        <div className="lightbox-view">
          <LightboxPicture image={image} beforeUrl={beforeUrl} zoom={zoom} swipe={swipe} stageRef={stageRef} onClose={onClose}>
            {hasOthers && (
              <>
                <Turn side="left" label={t('lightbox.previous')} to={previous} onGo={onGo} />
                <Turn side="right" label={t('lightbox.next')} to={next} onGo={onGo} />
              </>
            )}
          </LightboxPicture>
          {hasOthers && <Strip step={step} pictureAt={pictureAt} onGo={onGo} />}
        </div>
        <Corner info={info} onInfo={() => setInfo(!info)} onClose={onClose} />
        {info && (
          <LightboxInfo
            image={image}
            title={title}
            actions={actions}
            isCompared={beforeUrl !== null}
            onBefore={showBefore}
            onReuse={reuse}
            onCompare={onCompare}
            onDelete={onDelete}
          />
        )}
      </Modal.Body>
    </Modal>
  )
}
