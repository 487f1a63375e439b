import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { SIDE_MAX, SIDE_MIN, SIDE_STEP } from '../lib/sizes.js'
import Field from './Field.jsx'
import Icon from './Icon.jsx'

function Side({ label, value, error, onChange }) {
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
          value={value > 0 ? value : ''}
          isInvalid={Boolean(error)}
          // An emptied field is 0, which validation refuses with the rule.
          onChange={(event) => onChange(Number(event.target.value))}
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
        <button
          type="button"
          className="icon-button"
          aria-label={t('form.swap')}
          title={t('form.swap')}
          onClick={() => onChange({ width: height, height: width, custom_size: true })}
        >
          <Icon name="swap" />
        </button>
        <Side
          label={t('form.height')}
          value={height}
          error={errors.height}
          onChange={(value) => onChange({ height: value, custom_size: true })}
        />
      </div>
      <p className="field-hint">{hint ?? t('form.sideHint')}</p>
    </>
  )
}
