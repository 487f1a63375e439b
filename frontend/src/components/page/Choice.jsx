import { useId } from 'react'

/** One of a few: `options` are `[value, text]`. */
export default function Choice({ label, value, options, onChange }) {
  const id = useId()
  return (
    <div className="choice">
      <span id={id}>{label}</span>
      <div className="segments" role="group" aria-labelledby={id}>
        {options.map(([option, text]) => (
          <button key={option} type="button" aria-pressed={option === value} onClick={() => onChange(option)}>
            {text}
          </button>
        ))}
      </div>
    </div>
  )
}
