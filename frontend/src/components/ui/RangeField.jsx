import { useState } from 'react'
import Form from 'react-bootstrap/Form'

import { parseNumber } from '../../lib/digits.js'
import Field from './Field.jsx'
import NumberInput from './NumberInput.jsx'

const DECIMALS = 6

/** The number that was typed, within the bounds and in whole steps; NaN for what is none. */
function numberOf(text, { min, max, step, scale }) {
  const number = Math.round(parseNumber(text) / scale / step) * step
  return Number(Math.min(max, Math.max(min, number)).toFixed(DECIMALS))
}

/** The slider's number as digits, `scale` times as large. What is typed counts once the field is left, or by Enter. */
function Digits({ label, value, min, max, step, scale = 1, onChange }) {
  const [typed, setTyped] = useState(null)
  const shown = (number) => Number((number * scale).toFixed(DECIMALS))
  const commit = () => {
    if (typed === null) return
    const number = numberOf(typed, { min, max, step, scale })
    setTyped(null)
    if (!Number.isNaN(number)) onChange(number)
  }
  return (
    <NumberInput
      className="range-digits"
      aria-label={label}
      min={shown(min)}
      max={shown(max)}
      step={shown(step)}
      value={typed ?? shown(value)}
      onType={setTyped}
      onFocus={(event) => event.target.select()}
      onBlur={commit}
      onKeyDown={(event) => event.key === 'Enter' && commit()}
    />
  )
}

/**
 * A number on a slider. `text` says it in words, beside the label and to a screen reader. With `digits` it can be typed,
 * too: `{step, scale, unit}`, which are the smallest difference, how many times larger than the value they are, and what
 * is written behind them in the place of the text.
 */
export default function RangeField({ label, text, hint, error, value, min, max, step = 1, digits, onChange, onReset }) {
  const aside = (
    <>
      {digits && <Digits label={label} value={value} min={min} max={max} step={digits.step} scale={digits.scale} onChange={onChange} />}
      <span className="field-value">{digits ? digits.unit : text}</span>
    </>
  )
  return (
    <Field label={label} hint={hint} error={error} aside={aside} onReset={onReset}>
      {(control) => (
        <Form.Range
          {...control}
          min={min}
          max={max}
          step={step}
          value={value}
          aria-valuetext={text}
          onChange={(event) => onChange(Number(event.target.value))}
        />
      )}
    </Field>
  )
}
