import { useRef, useState } from 'react'
import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import { useCanvasEdit } from '../../hooks/canvas/useCanvasEdit.js'
import { useCanvasSettings } from '../../hooks/canvas/useCanvasSettings.js'
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

function Editor({ image, value, onChange, onClose, rules }) {
  const { i18n } = useTranslation()
  useState(() => addCanvasTexts(i18n)) // Once, before the texts are read.
  const { doc, options, setOptions, settle, error } = useCanvasEdit({ image, value, onChange })
  const [settings, change] = useCanvasSettings()
  const cancel = useRef(() => false)
  const done = async () => {
    await settle()
    onClose()
  }
  const onEscapeKeyDown = (event) => {
    if (cancel.current()) event.preventDefault()
  }
  return (
    <Modal show fullscreen className="canvas-editor" aria-labelledby="canvas-title" onHide={done} onEscapeKeyDown={onEscapeKeyDown}>
      <Modal.Body>
        {doc ? (
          <CanvasRoom
            image={image}
            doc={doc}
            options={options}
            setOptions={setOptions}
            settings={settings}
            change={change}
            rules={rules}
            cancelRef={cancel}
            onDone={done}
          />
        ) : (
          <Waiting error={error} onClose={onClose} />
        )}
      </Modal.Body>
    </Modal>
  )
}

/**
 * Paints a mask and a colour sketch over a picture, and extends it.
 *
 * @param image `{id?, url, width, height, name?}`; `id` names it where its address may change, `name` its files.
 * @param value what is edited: `{mask, sketch, outpaint, feather, maskMode}`, with PNG blobs of the picture's size or
 *   null. Without a value it is what was left of this picture the last time.
 * @param onChange is told of the new value a moment after each change; white in the mask is drawn anew.
 * @param onClose is called when the last change has been told.
 * @param outpaintStep what the sides grow by, in pixels; `mostSide` how long the whole may become.
 */
export default function CanvasEditor({ image, value = null, onChange, onClose, outpaintStep = 16, mostSide = MOST_SIDE }) {
  const rules = { step: outpaintStep, mostSide }
  return <Editor key={keyOf(image)} image={image} value={value} onChange={onChange} onClose={onClose} rules={rules} />
}
