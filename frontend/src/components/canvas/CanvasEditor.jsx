import { useEffect, useRef, useState } from 'react'
import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import { useCanvasEdit } from '../../hooks/canvas/useCanvasEdit.js'
import { useCanvasSettings } from '../../hooks/canvas/useCanvasSettings.js'
import { useLatest } from '../../hooks/ui/useLatest.js'
import { addCanvasTexts } from '../../i18n/canvas.js'
import { MOST_SIDE } from '../../lib/canvas/outpaint.js'
import { keyOf } from '../../lib/canvas/value.js'
import './CanvasEditor.css'
import DialogHead from '../ui/DialogHead.jsx'
import Notice from '../ui/Notice.jsx'
import CanvasRoom from './CanvasRoom.jsx'

/** While there is nothing to paint on yet, or what was painted does not fit. */
function Waiting({ error, onClose }) {
  const { t } = useTranslation()
  return (
    <div className="canvas-waiting">
      <DialogHead id="canvas-title" onClose={onClose}>
        {t('canvas.title')}
      </DialogHead>
      {error ? <Notice tone="danger">{t('canvas.lostEdit', { reason: error.message })}</Notice> : <p className="muted">{t('common.loading')}</p>}
    </div>
  )
}

/** One picture's canvas. `wayOutRef` gets `leave()`, which tells all and closes, and `cancel()`, which takes back what has begun. */
function Editor({ image, value, readTransparency, onChange, onClose, rules, generation, wayOutRef }) {
  const { doc, options, setOptions, settle, error } = useCanvasEdit({ image, value, onChange })
  const [settings, change] = useCanvasSettings()
  const cancel = useRef(() => false)
  const [isLeaving, setLeaving] = useState(false)
  const leave = async () => {
    if (isLeaving) return
    setLeaving(true)
    await settle()
    await onClose()
    setLeaving(false)
  }
  const latest = useLatest(leave)
  useEffect(() => {
    wayOutRef.current = { leave: () => latest.current(), cancel: () => cancel.current() }
  }, [wayOutRef, latest])
  if (!doc) return <Waiting error={error} onClose={onClose} />
  return (
    <CanvasRoom
      image={image}
      doc={doc}
      options={options}
      setOptions={setOptions}
      settings={settings}
      change={change}
      settle={settle}
      rules={rules}
      readTransparency={readTransparency}
      generation={generation}
      cancelRef={cancel}
      isLeaving={isLeaving}
      onDone={leave}
    />
  )
}

/**
 * Paints a mask and a colour sketch over a picture, and extends it.
 *
 * @param image `{id?, url, width, height, name?}`; `id` names it where its address may change, `name` its files.
 * @param value what is edited: `{mask, sketch, outpaint, feather, maskMode}`, with PNG blobs of the picture's size or
 *   null. Without a value it is what was left of this picture the last time.
 * @param readTransparency promises a mask of what is transparent in the picture, as a PNG; left out for an opaque one.
 * @param onChange is told of the new value a moment after each change; white in the mask is drawn anew.
 * @param onClose is called when the last change has been told.
 * @param isOpen once it is false, the canvas closes as by its button.
 * @param outpaintStep what the sides grow by, in pixels; `mostSide` how long the whole may become.
 * @param generation how pictures are drawn from here, see useMaking; null where they are not.
 */
export default function CanvasEditor({
  image,
  value = null,
  readTransparency,
  onChange,
  onClose,
  isOpen = true,
  outpaintStep = 16,
  mostSide = MOST_SIDE,
  generation = null,
}) {
  const { i18n } = useTranslation()
  useState(() => addCanvasTexts(i18n)) // Once, before the texts are read.
  const wayOutRef = useRef({ leave: onClose, cancel: () => false })
  useEffect(() => {
    if (!isOpen) wayOutRef.current.leave()
  }, [isOpen])
  const onEscapeKeyDown = (event) => {
    if (wayOutRef.current.cancel()) event.preventDefault()
  }
  const hide = () => wayOutRef.current.leave()
  const rules = { step: outpaintStep, mostSide }
  return (
    <Modal show fullscreen className="canvas-editor" aria-labelledby="canvas-title" onHide={hide} onEscapeKeyDown={onEscapeKeyDown}>
      <Modal.Body>
        <Editor
          key={keyOf(image)}
          image={image}
          value={value}
          readTransparency={readTransparency}
          onChange={onChange}
          onClose={onClose}
          rules={rules}
          generation={generation}
          wayOutRef={wayOutRef}
        />
      </Modal.Body>
    </Modal>
  )
}
