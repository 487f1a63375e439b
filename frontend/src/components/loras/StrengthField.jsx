import { useState } from 'react'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { parseNumber } from '../../lib/digits.js'
import { rangeOf, STRENGTH_MAX, STRENGTH_STEP, strengthText } from '../../lib/generate/loras.js'
import NumberInput from '../ui/NumberInput.jsx'

const isWithin = (value, [min, max]) => value >= min && value <= max

/** The slider's range: as wide as what was shown on it asks for, and never narrower again under the hand. */
function useRange(value) {
  const [range, setRange] = useState(() => rangeOf(value))
  if (isWithin(value, range)) return range
  const wider = rangeOf(value)
  setRange(wider)
  return wider
}

/** How strongly a LoRA acts: a slider, and a field for what lies beyond it. A double click brings the `usual` back. */
export default function StrengthField({ name, value, usual, onChange }) {
  const { t } = useTranslation()
  const [typed, setTyped] = useState(null)
  const [min, max] = useRange(value)
  const type = (text) => {
    setTyped(text)
    const number = parseNumber(text)
    if (isWithin(number, [-STRENGTH_MAX, STRENGTH_MAX])) onChange(number)
  }
  const isOdd = typed !== null && !isWithin(parseNumber(typed), [-STRENGTH_MAX, STRENGTH_MAX])
  return (
    <div className="lora-strength">
      <Form.Range
        aria-label={t('loras.strengthOf', { name })}
        title={t('loras.strengthHint', { strength: strengthText(usual) })}
        aria-valuetext={strengthText(value)}
        min={min}
        max={max}
        step={STRENGTH_STEP}
        value={value}
        onChange={({ target }) => onChange(Number(target.value))}
        onDoubleClick={() => onChange(usual)}
      />
      <NumberInput
        aria-label={t('loras.strengthNumber', { name })}
        aria-invalid={isOdd || undefined}
        isInvalid={isOdd}
        inputMode="decimal"
        size="sm"
        min={-STRENGTH_MAX}
        max={STRENGTH_MAX}
        step={STRENGTH_STEP}
        value={typed ?? strengthText(value)}
        onType={type}
        onBlur={() => setTyped(null)}
        onDoubleClick={() => {
          setTyped(null)
          onChange(usual)
        }}
      />
    </div>
  )
}
