import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useModel } from '../hooks/useModels.js'
import { forwardsOf, STEPS_MAX, STEPS_MIN } from '../lib/settings.js'
import Field from './Field.jsx'

/** The points of the schedule. The model runs one time fewer, which the label says. */
export default function StepsField({ value, model, error, onChange, onReset }) {
  const { t } = useTranslation()
  const text = t('form.stepsValue', { steps: value, count: forwardsOf(value) })
  const advised = useModel(model)?.default_steps ?? value
  return (
    <Field
      label={t('form.steps')}
      hint={advised === value ? undefined : t('form.stepsAdvice', { count: advised })}
      error={error}
      aside={<span className="field-value">{text}</span>}
      onReset={onReset}
    >
      {(control) => (
        <Form.Range
          {...control}
          min={STEPS_MIN}
          max={STEPS_MAX}
          value={value}
          aria-valuetext={text}
          onChange={(event) => onChange(Number(event.target.value))}
        />
      )}
    </Field>
  )
}
