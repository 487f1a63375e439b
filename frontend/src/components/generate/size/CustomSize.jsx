import { useState } from 'react'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { SIDE_MAX, SIDE_MIN, SIDE_STEP, snapSide } from '../../../lib/generate/sizes.js'
import Field from '../../ui/Field.jsx'
import SwapButton from './SwapButton.jsx'

/** One side. What is typed snaps to the grid of 16 when the field is left; an emptied field is 0, which is refused. */
function Side({ label, value, error, onChange }) {
  const [typed, setTyped] = useState(null)
  const commit = () => {
    if (typed !== null) onChange(Number(typed) > 0 ? snapSide(Number(typed)) : 0)
    setTyped(null)
  }
  return (
    <Field label={label} error={error}>
      {(control) => (
        <Form.Control
          {...control}
          type="number"
          inputMode="numeric"
          min={SIDE_MIN}
          max={SIDE_MAX}
          step={SIDE_STEP}
          value={typed ?? (value > 0 ? value : '')}
          isInvalid={Boolean(error)}
          onChange={(event) => setTyped(event.target.value)}
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
          value={width}
          error={errors.width}
          onChange={(value) => onChange({ width: value, custom_size: true })}
        />
        <SwapButton className="icon-button" width={width} height={height} onChange={onChange} />
        <Side
          label={t('form.height')}
          value={height}
          error={errors.height}
          onChange={(value) => onChange({ height: value, custom_size: true })}
        />
      </div>
      <p className="field-hint wide">{hint ?? t('form.sideHint')}</p>
    </>
  )
}
