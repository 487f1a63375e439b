import { useId } from 'react'
import { useTranslation } from 'react-i18next'

import { PRESETS } from '../lib/sizes.js'

const BOX = 18

/** A small drawing of the ratio. */
function Shape({ ratio }) {
  const [w, h] = ratio.split(':').map(Number)
  const scale = BOX / Math.max(w, h)
  return (
    <svg className="shape" width="22" height="22" viewBox="-11 -11 22 22" aria-hidden="true" focusable="false">
      <rect x={(-w * scale) / 2} y={(-h * scale) / 2} width={w * scale} height={h * scale} rx="2" />
    </svg>
  )
}

function Custom() {
  return (
    <svg className="shape" width="22" height="22" viewBox="-11 -11 22 22" aria-hidden="true" focusable="false">
      <rect x="-9" y="-9" width="18" height="18" rx="2" strokeDasharray="3 3" />
    </svg>
  )
}

/** The ratio of the sides, as a radio group of drawings. */
export default function ShapePicker({ value, onChange }) {
  const { t } = useTranslation()
  const name = useId()
  return (
    <fieldset className="field wide">
      <legend>{t('form.shape')}</legend>
      <div className="shapes">
        {[...Object.keys(PRESETS), 'custom'].map((shape) => (
          <label key={shape} className="shape-option">
            <input
              type="radio"
              name={name}
              value={shape}
              checked={value === shape}
              onChange={() => onChange(shape)}
            />
            {shape === 'custom' ? <Custom /> : <Shape ratio={shape} />}
            <span>{shape === 'custom' ? t('form.customSize') : shape}</span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}
