import { memo } from 'react'
import InputGroup from 'react-bootstrap/InputGroup'
import { useTranslation } from 'react-i18next'

import { parseNumber } from '../../lib/digits.js'
import { IMAGES_MAX, resetOf } from '../../lib/generate/settings.js'
import Field from '../ui/Field.jsx'
import Icon from '../ui/Icon.jsx'
import NumberInput from '../ui/NumberInput.jsx'

function clamp(value) {
  return Math.min(IMAGES_MAX, Math.max(1, Math.round(value) || 1))
}

function Step({ icon, label, disabled, onClick }) {
  return (
    <button type="button" className="input-button" aria-label={label} title={label} disabled={disabled} onClick={onClick}>
      <Icon name={icon} size={16} />
    </button>
  )
}

/** How many pictures one request makes. */
function CountField({ value, error, onChange }) {
  const { t } = useTranslation()
  const set = (count) => onChange({ num_images: count })
  const onReset = resetOf({ num_images: value }, ['num_images'], onChange)
  return (
    <Field className="half" label={t('form.count')} error={error} onReset={onReset}>
      {(control) => (
        <InputGroup>
          <Step icon="minus" label={t('form.countLess')} disabled={value <= 1} onClick={() => set(value - 1)} />
          <NumberInput
            {...control}
            className="count-input"
            min={1}
            max={IMAGES_MAX}
            value={value}
            isInvalid={Boolean(error)}
            onFocus={(event) => event.target.select()}
            onType={(text) => set(clamp(parseNumber(text)))}
          />
          <Step icon="plus" label={t('form.countMore')} disabled={value >= IMAGES_MAX} onClick={() => set(value + 1)} />
        </InputGroup>
      )}
    </Field>
  )
}

export default memo(CountField)
