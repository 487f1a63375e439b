import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useModel } from '../../hooks/server/useModels.js'
import { GUIDANCE_MAX, GUIDANCE_STEP, scaleOf } from '../../lib/generate/guidance.js'
import { resetOf } from '../../lib/generate/settings.js'
import Field from '../ui/Field.jsx'
import RangeField from '../ui/RangeField.jsx'

function ScaleField({ scale, advised, error, onChange, onReset }) {
  const { t } = useTranslation()
  return (
    <RangeField
      label={t('form.guidance')}
      text={scale > 0 ? String(scale) : t('form.guidanceOff')}
      hint={scale === advised ? t('form.guidanceHint') : t('form.guidanceAdvice', { scale: advised })}
      error={error}
      value={scale}
      min={0}
      max={GUIDANCE_MAX}
      step={GUIDANCE_STEP}
      onChange={onChange}
      onReset={onReset}
    />
  )
}

function NegativeField({ value, idle, error, onChange, onReset }) {
  const { t } = useTranslation()
  return (
    <Field label={t('form.negative')} hint={idle ? t('form.negativeOff') : undefined} error={error} onReset={onReset}>
      {(control) => (
        <Form.Control
          {...control}
          as="textarea"
          rows={2}
          placeholder={t('form.negativePlaceholder')}
          value={value}
          isInvalid={Boolean(error)}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  )
}

/** Guidance and the negative prompt: only for models that use them. Distilled ones, as Turbo, do not. */
export default function GuidanceFields({ settings, errors, onChange }) {
  const model = useModel(settings.model)
  const scale = scaleOf(settings, model)
  return (
    <>
      {model?.guidance && (
        <ScaleField
          scale={scale}
          advised={model.guidance_scale}
          error={errors.guidance_scale}
          onChange={(value) => onChange({ guidance_scale: value })}
          onReset={resetOf(settings, ['guidance_scale'], onChange)}
        />
      )}
      {model?.negative_prompt && (
        <NegativeField
          value={settings.negative_prompt}
          idle={scale === 0}
          error={errors.negative_prompt}
          onChange={(value) => onChange({ negative_prompt: value })}
          onReset={resetOf(settings, ['negative_prompt'], onChange)}
        />
      )}
    </>
  )
}
