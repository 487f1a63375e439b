import Form from 'react-bootstrap/Form'

import Field from './Field.jsx'

/** A number on a slider. `text` says it in words, beside the label and to a screen reader. */
export default function RangeField({ label, text, hint, error, value, min, max, step = 1, onChange, onReset }) {
  return (
    <Field label={label} hint={hint} error={error} aside={<span className="field-value">{text}</span>} onReset={onReset}>
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
