import { useEffect, useId, useRef, useState } from 'react'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useLoraDeletion } from '../../hooks/loras/useLoras.js'
import { useErrorText } from '../../hooks/server/useErrorText.js'
import { useAnnounce } from '../../hooks/ui/useAnnounce.js'
import { titleOf } from '../../lib/loras/catalogue.js'
import Icon from '../ui/Icon.jsx'

/** Asks before a file is deleted, in the place of its tile. */
function Confirm({ name, title, onGone, onClose }) {
  const { t } = useTranslation()
  const { errorText } = useErrorText()
  const announce = useAnnounce()
  const titleId = useId()
  const question = useRef(null)
  const deletion = useLoraDeletion(name, () => {
    announce(t('loras.deleted', { name: title }))
    onGone()
  })
  useEffect(() => question.current.focus(), [])
  const closeOnEscape = (event) => {
    if (event.key !== 'Escape') return
    event.stopPropagation() // The dialog around it stays.
    onClose()
  }
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the keys of the buttons within
    <div role="group" aria-labelledby={titleId} className="lora-confirm" onKeyDown={closeOnEscape}>
      <p id={titleId} ref={question} tabIndex={-1}>
        {t('loras.deleteTitle', { name: title })}
      </p>
      {deletion.error && (
        <p className="field-error" role="alert">
          {errorText(deletion.error)}
        </p>
      )}
      <Button variant="danger" size="sm" disabled={deletion.isPending} onClick={() => deletion.mutate()}>
        {t('loras.deleteFile')}
      </Button>
      <Button variant="outline-secondary" size="sm" onClick={onClose}>
        {t('loras.keep')}
      </Button>
    </div>
  )
}

/** Deletes the file of a LoRA, once it was asked whether that is meant. */
export default function DeleteLora({ lora, isStop, onGone }) {
  const { t } = useTranslation()
  const [isAsked, setAsked] = useState(false)
  const opener = useRef(null)
  const title = titleOf(lora)
  const deleteText = t('loras.delete', { name: title })
  const close = () => {
    setAsked(false)
    requestAnimationFrame(() => opener.current?.focus())
  }
  if (isAsked) return <Confirm name={lora.name} title={title} onGone={onGone} onClose={close} />
  return (
    <button
      ref={opener}
      type="button"
      className="icon-button lora-delete"
      tabIndex={isStop ? 0 : -1}
      aria-label={deleteText}
      title={deleteText}
      onClick={() => setAsked(true)}
    >
      <Icon name="trash" size={16} />
    </button>
  )
}
