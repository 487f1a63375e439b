import { useId } from 'react'

import ResetButton from './ResetButton.jsx'

/**
 * A labelled form control: binds label, hint and error to it.
 *
 * `children` is a function of the control's accessibility props. `onReset` is given while the value is not the
 * default one.
 */
export default function Field({ label, hint, error, aside, onReset, className = '', children }) {
  const id = useId()
  const hintId = `${id}-hint`
  const errorId = `${id}-error`
  const describedBy = [error && errorId, hint && hintId].filter(Boolean).join(' ')
  const control = {
    id,
    'aria-invalid': error ? true : undefined,
    'aria-describedby': describedBy || undefined,
  }
  return (
    <div className={`field ${className}`}>
      <div className="field-head">
        <label htmlFor={id}>{label}</label>
        <span className="field-aside">
          {aside}
          {onReset && <ResetButton label={label} onReset={onReset} />}
        </span>
      </div>
      {children(control)}
      {error && (
        <p id={errorId} className="field-error">
          {error}
        </p>
      )}
      {hint && (
        <p id={hintId} className="field-hint">
          {hint}
        </p>
      )}
    </div>
  )
}
