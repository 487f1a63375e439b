import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { parseNumber, parseSize } from '../../../lib/digits.js'
import { SIDE_MAX, SIDE_MIN, SIDE_STEP, snapSide } from '../../../lib/generate/sizes.js'
import Field from '../../ui/Field.jsx'
import NumberInput from '../../ui/NumberInput.jsx'
import SwapButton from './SwapButton.jsx'

function toSide(number) {
  return number > 0 ? snapSide(number) : 0
}

/**
 * One side. What is typed snaps to the grid of 16 when the field is left; an emptied field is 0, which is refused.
 * Both sides may be typed into one field: `1024×768`.
 */
function Side({ side, label, value, error, onChange }) {
  const [typed, setTyped] = useState(null)
  const commit = () => {
    if (typed === null) return
    const { width, height } = parseSize(typed) ?? { [side]: parseNumber(typed) }
    const sides = Object.entries({ width, height }).filter(([, number]) => number !== undefined)
    onChange({ ...Object.fromEntries(sides.map(([name, number]) => [name, toSide(number)])), custom_size: true })
    setTyped(null)
  }
  return (
    <Field label={label} error={error}>
      {(control) => (
        <NumberInput
          {...control}
          min={SIDE_MIN}
          max={SIDE_MAX}
          step={SIDE_STEP}
          value={typed ?? (value > 0 ? value : '')}
          isInvalid={Boolean(error)}
          onType={setTyped}
          onBlur={commit}
          onKeyDown={(event) => event.key === 'Enter' && commit()}
        />
      )}
    </Field>
  )
}

/** Any width and height that the server takes. */
export default function CustomSize({ width, height, errors, hint, onChange }) {
  const { t } = useTranslation()
  return (
    <>
      <div className="custom-size">
        <Side
          label={t('form.width')}
          side="width"
          value={width}
          error={errors.width}
          onChange={onChange}
        />
        <SwapButton className="icon-button" width={width} height={height} onChange={onChange} />
        <Side
          label={t('form.height')}
          side="height"
          value={height}
          error={errors.height}
          onChange={onChange}
        />
      </div>
      <p className="field-hint wide">{hint ?? t('form.sideHint')}</p>
    </>
  )
}
