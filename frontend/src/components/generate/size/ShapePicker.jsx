import { memo, useId } from 'react'
import { useTranslation } from 'react-i18next'

import { PRESETS } from '../../../lib/generate/sizes.js'
import ResetButton from '../../ui/ResetButton.jsx'

const BOX = 18
const LANDSCAPE = Object.keys(PRESETS).filter((ratio) => Number(ratio.split(':')[0]) > Number(ratio.split(':')[1]))
const PORTRAIT = LANDSCAPE.map((ratio) => ratio.split(':').reverse().join(':'))
/** Each portrait ratio stands beneath its landscape twin. */
const SHAPES = ['1:1', ...LANDSCAPE, 'custom', ...PORTRAIT]

/** A small drawing of the ratio; a dashed square for a free one. */
const Shape = memo(function Shape({ shape }) {
  const isCustom = shape === 'custom'
  const [w, h] = isCustom ? [1, 1] : shape.split(':').map(Number)
  const scale = BOX / Math.max(w, h)
  return (
    <svg className="shape" width="22" height="22" viewBox="-11 -11 22 22" aria-hidden="true" focusable="false">
      <rect
        x={(-w * scale) / 2}
        y={(-h * scale) / 2}
        width={w * scale}
        height={h * scale}
        rx="2"
        strokeDasharray={isCustom ? '3 3' : undefined}
      />
    </svg>
  )
})

/** The ratio of the sides, as a radio group of drawings. */
export default function ShapePicker({ value, onChange, onReset }) {
  const { t } = useTranslation()
  const name = useId()
  return (
    <fieldset className="field wide shape-picker">
      <legend>{t('form.shape')}</legend>
      {onReset && <ResetButton label={t('form.size')} onReset={onReset} />}
      <div className="shapes">
        {SHAPES.map((shape) => (
          <label key={shape} className="shape-option">
            <input type="radio" name={name} value={shape} checked={value === shape} onChange={() => onChange(shape)} />
            <Shape shape={shape} />
            <span>{shape === 'custom' ? t('form.customSize') : shape}</span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}
