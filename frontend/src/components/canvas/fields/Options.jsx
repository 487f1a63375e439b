import { useId } from 'react'

/** One of a few: `options` are `[value, text]`. `hint` explains the chosen one; `isOff` where there is no choice now. */
export default function Options({ label, value, options, hint, isOff, onChange }) {
  const id = useId()
  return (
    <div className="field canvas-options">
      <span className="canvas-label" id={id}>
        {label}
      </span>
      <div className="segments" role="group" aria-labelledby={id} aria-describedby={hint && `${id}-hint`}>
        {options.map(([option, text]) => (
          <button key={option} type="button" aria-pressed={option === value} aria-disabled={isOff && option !== value} onClick={() => !isOff && onChange(option)}>
            {text}
          </button>
        ))}
      </div>
      {hint && (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}
