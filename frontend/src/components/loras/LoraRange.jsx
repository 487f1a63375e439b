import { useTranslation } from 'react-i18next'

import RangeField from '../ui/RangeField.jsx'

const PERCENT = 100
const STEP = 0.05
const percent = (share) => `${Math.round(share * PERCENT)} %`

/** In which part of the steps a LoRA acts; said where it is not all of them, changed where `isShown`. */
export default function LoraRange({ use, name, isShown, onChange }) {
  const { t } = useTranslation()
  const { start, end } = use
  const isWhole = start === 0 && end === 1
  const text = isWhole ? t('loras.allSteps') : t('loras.someSteps', { start: percent(start), end: percent(end) })
  if (!isShown) return isWhole ? null : <p className="muted lora-steps">{text}</p>
  return (
    <details className="lora-steps">
      <summary aria-label={t('loras.stepsOf', { name, text })}>{text}</summary>
      <RangeField
        label={t('loras.from')}
        text={percent(start)}
        value={start}
        min={0}
        max={1}
        step={STEP}
        onChange={(value) => onChange({ start: Math.min(value, Math.round((end - STEP) * PERCENT) / PERCENT) })}
      />
      <RangeField
        label={t('loras.until')}
        text={percent(end)}
        value={end}
        min={0}
        max={1}
        step={STEP}
        onChange={(value) => onChange({ end: Math.max(value, Math.round((start + STEP) * PERCENT) / PERCENT) })}
      />
    </details>
  )
}
