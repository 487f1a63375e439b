import { useEffect, useId, useRef, useState } from 'react'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useDeletion, useRemoval } from '../../hooks/server/useRemoval.js'
import { useErrorText } from '../../hooks/server/useErrorText.js'
import { useAnnounce } from '../../hooks/ui/useAnnounce.js'
import { sizeOf } from '../../lib/models/variants.js'
import Icon from '../ui/Icon.jsx'
import Notice from '../ui/Notice.jsx'

/** What goes and what stays, by name and size. */
function Doomed({ files, kept }) {
  const { t } = useTranslation()
  return (
    <ul className="model-unused">
      {files.map(({ name, size_bytes: bytes }) => (
        <li key={name}>
          <strong>{name}</strong> {sizeOf(bytes)}
        </li>
      ))}
      {kept.map(({ name, reason }) => (
        <li key={name} className="muted">
          {name}: {t(`models.kept.${reason}`)}
        </li>
      ))}
    </ul>
  )
}

/** Asks before files are deleted: what goes cannot be brought back but by another download. */
function Confirm({ id, name, onClose }) {
  const { t } = useTranslation()
  const { errorText } = useErrorText()
  const announce = useAnnounce()
  const titleId = useId()
  const title = useRef(null)
  const { data, error: refusal, isPending: isAsking } = useRemoval(id)
  const deletion = useDeletion(id, () => {
    announce(t('models.deleted', { name }))
    onClose()
  })
  const error = refusal ?? deletion.error
  useEffect(() => title.current.focus(), [])
  const closeOnEscape = (event) => {
    if (event.key !== 'Escape') return
    event.stopPropagation() // The dialog around it stays.
    onClose()
  }
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the keys of the buttons within
    <div role="group" aria-labelledby={titleId} className="model-confirm" onKeyDown={closeOnEscape}>
      <p id={titleId} ref={title} tabIndex={-1}>
        <strong>{t('models.deleteTitle', { name })}</strong>
      </p>
      {isAsking && <p aria-busy="true">{t('common.loading')}</p>}
      {data && !refusal && <Doomed {...data} />}
      {error && (
        <Notice tone="danger" role="alert" title={t('models.notDeleted')}>
          {errorText(error)}
        </Notice>
      )}
      <div className="actions">
        {data && !refusal && (
          <Button variant="danger" size="sm" disabled={deletion.isPending} onClick={() => deletion.mutate()}>
            {t('models.deleteSize', { size: sizeOf(data.size_bytes) })}
          </Button>
        )}
        <Button variant="outline-secondary" size="sm" onClick={onClose}>
          {t('models.keep')}
        </Button>
      </div>
    </div>
  )
}

/** Deletes what is the server's own of a model, once it was said which files that are. */
export default function DeleteModel({ id, name }) {
  const { t } = useTranslation()
  const [isAsked, setAsked] = useState(false)
  const opener = useRef(null)
  const close = () => {
    setAsked(false)
    requestAnimationFrame(() => opener.current?.focus())
  }
  if (isAsked) return <Confirm id={id} name={name} onClose={close} />
  return (
    <Button
      ref={opener}
      size="sm"
      variant="outline-secondary"
      aria-label={t('models.delete', { name })}
      onClick={() => setAsked(true)}
    >
      <Icon name="trash" size={16} /> {t('common.delete')}
    </Button>
  )
}
