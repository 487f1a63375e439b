import { useCallback, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { useAnnounce } from '../../hooks/ui/useAnnounce.js'
import { useHotkeys } from '../../hooks/input/useHotkeys.js'
import { ToastContext } from '../../hooks/ui/useToast.js'
import './Toaster.css'
import Icon from './Icon.jsx'

const SHOWN = 3
const LIFE_MS = 5000
/** What can be undone stays long enough to change one's mind. */
const ACTION_LIFE_MS = 12_000

function Toast({ toast, onGone }) {
  const { t } = useTranslation()
  const [held, setHeld] = useState(false)
  const { id, text, action, undo } = toast
  const offers = [action, undo && { label: t('common.undo'), onClick: undo }].filter(Boolean)
  useEffect(() => {
    if (held) return undefined
    const timer = setTimeout(() => onGone(id), action || undo ? ACTION_LIFE_MS : LIFE_MS)
    return () => clearTimeout(timer)
  }, [held, id, action, undo, onGone])
  const hold = { onPointerEnter: () => setHeld(true), onPointerLeave: () => setHeld(false) }
  return (
    <li className="toast-note" {...hold} onFocus={() => setHeld(true)} onBlur={() => setHeld(false)}>
      <span>{text}</span>
      {offers.map(({ label, onClick }) => (
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

/** Holds the passing sentences; see useToast. Ctrl+Z takes back what the newest of them can. */
export default function Toaster({ children }) {
  const { t } = useTranslation()
  const announce = useAnnounce()
  const [toasts, setToasts] = useState([])
  const nextId = useRef(0)
  const remove = useCallback((id) => setToasts((all) => all.filter((toast) => toast.id !== id)), [])
  const show = useCallback(
    ({ text, action, undo }) => {
      const id = nextId.current
      nextId.current += 1
      const closing = (work) => () => {
        remove(id)
        work()
      }
      announce(text)
      const offers = { action: action && { ...action, onClick: closing(action.onClick) }, undo: undo && closing(undo) }
      setToasts((all) => [...all, { id, text, ...offers }].slice(-SHOWN))
    },
    [announce, remove],
  )
  const keys = { 'Mod+z': () => toasts.findLast(({ undo }) => undo)?.undo() }
  useHotkeys(keys)
  useHotkeys(keys, { inDialog: true })
  return (
    <ToastContext value={show}>
      {children}
      <section aria-label={t('app.messages')}>
        <ul className="toasts">
          {toasts.map((toast) => (
            <Toast key={toast.id} toast={toast} onGone={remove} />
          ))}
        </ul>
      </section>
    </ToastContext>
  )
}
