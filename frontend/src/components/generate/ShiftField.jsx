import { memo } from 'react'
import { useTranslation } from 'react-i18next'

import { useModel } from '../../hooks/server/useModels.js'
import { resetOf, SHIFT_MAX, SHIFT_MIN, SHIFT_STEP } from '../../lib/generate/settings.js'
import RangeField from '../ui/RangeField.jsx'

const TURBO_SHIFT = 3
const TYPED_STEP = 0.01

/** How the steps are shared out between composition and detail; null is the model's own way. */
function ShiftField({ value, model, error, onChange }) {
  const { t } = useTranslation()
  const own = useModel(model)?.shift ?? TURBO_SHIFT
  return (
    <RangeField
      label={t('form.shift')}
      text={value === null ? t('form.shiftOwn', { shift: own }) : String(value)}
      hint={value === null || value === own ? t('form.shiftHint') : t('form.shiftAdvice', { shift: own })}
      error={error}
      value={value ?? own}
      min={SHIFT_MIN}
      max={SHIFT_MAX}
      step={SHIFT_STEP}
      digits={{ step: TYPED_STEP, unit: value === null ? t('form.ownOfModel') : undefined }}
      onChange={(shift) => onChange({ shift })}
      onReset={resetOf({ shift: value }, ['shift'], onChange)}
    />
  )
}

export default memo(ShiftField)
