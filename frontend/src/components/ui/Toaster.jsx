import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { useHotkeys } from '../../hooks/input/useHotkeys.js'
import { ToastContext } from '../../hooks/ui/useToast.js'
import { useToasts } from '../../hooks/ui/useToasts.js'
import './Toaster.css'
import Icon from './Icon.jsx'

const LIFE_MS = 5000
/** What can be undone stays long enough to change one's mind. */
const ACTION_LIFE_MS = 12_000

function Toast({ toast, onGone, onUndo }) {
  const { t } = useTranslation()
  const [held, setHeld] = useState(false)
  const { id, version, text, action, undoable } = toast
  const act = () => {
    onGone(id)
    action.onClick()
  }
  const offers = [action && { label: action.label, onClick: act }, undoable && { label: t('common.undo'), onClick: () => onUndo(id) }]
  useEffect(() => {
    if (held) return undefined
    const timer = setTimeout(() => onGone(id), action || undoable ? ACTION_LIFE_MS : LIFE_MS)
    return () => clearTimeout(timer)
  }, [held, id, version, action, undoable, onGone])
  const hold = { onPointerEnter: () => setHeld(true), onPointerLeave: () => setHeld(false) }
  return (
    <li className="toast-note" {...hold} onFocus={() => setHeld(true)} onBlur={() => setHeld(false)}>
      <span>{text}</span>
      {offers.filter(Boolean).map(({ label, onClick }) => (
        <button key={label} type="button" className="toast-action" onClick={onClick}>
          {label}
        </button>
      ))}
      <button type="button" className="icon-button" aria-label={t('common.dismiss')} onClick={() => onGone(id)}>
        <Icon name="close" size={14} />
      </button>
    </li>
  )
}

/** Behind a dialog only what is still told of is taken back; a deletion in the large view at any time. */
const isBehindDialog = () => document.querySelector('.modal.show:not(.lightbox)') !== null

/** Holds the passing sentences; see useToast. Ctrl+Z takes back the last of what can be. */
export default function Toaster({ children }) {
  const { t } = useTranslation()
  const { toasts, show, remove, undo, undoLast } = useToasts()
  const keys = { 'Mod+z': () => undoLast({ inSight: isBehindDialog() }) }
  useHotkeys(keys)
  useHotkeys(keys, { inDialog: true })
  return (
    <ToastContext value={show}>
      {children}
      <section aria-label={t('app.messages')}>
        <ul className="toasts">
          {toasts.map((toast) => (
            <Toast key={toast.id} toast={toast} onGone={remove} onUndo={undo} />
          ))}
        </ul>
      </section>
    </ToastContext>
  )
}
