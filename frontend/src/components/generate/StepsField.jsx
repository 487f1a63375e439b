import { memo } from 'react'
import { useTranslation } from 'react-i18next'

import { useModel } from '../../hooks/server/useModels.js'
import { forwardsOf, resetOf, STEPS_MAX, STEPS_MIN } from '../../lib/generate/settings.js'
import RangeField from '../ui/RangeField.jsx'

/** The points of the schedule. The model runs one time fewer, which the label says. */
function StepsField({ value, model, error, onChange }) {
  const { t } = useTranslation()
  const advised = useModel(model)?.default_steps ?? value
  return (
    <RangeField
      label={t('form.steps')}
      text={t('form.stepsValue', { steps: value, count: forwardsOf(value) })}
      hint={advised === value ? undefined : t('form.stepsAdvice', { count: advised })}
      error={error}
      value={value}
      min={STEPS_MIN}
      max={STEPS_MAX}
      digits={{ step: 1, unit: t('form.forwards', { count: forwardsOf(value) }) }}
      onChange={(steps) => onChange({ num_inference_steps: steps })}
      onReset={resetOf({ num_inference_steps: value }, ['num_inference_steps'], onChange)}
    />
  )
}

export default memo(StepsField)
