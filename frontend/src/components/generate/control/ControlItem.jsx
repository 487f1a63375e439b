import Button from 'react-bootstrap/Button'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useControlImage } from '../../../hooks/canvas/useControlImage.js'
import { useErrorText } from '../../../hooks/server/useErrorText.js'
import { useMissingKinds } from '../../../hooks/server/useMissingKinds.js'
import { CONTROL_KINDS, SCALE_MAX, SCALE_STEP } from '../../../lib/generate/control.js'
import Field from '../../ui/Field.jsx'
import RangeField from '../../ui/RangeField.jsx'

const PERCENT = 100
const RANGE_STEP = 0.05

/** What the ControlNet will see: made of the picture before anything is drawn. */
function Preview({ control }) {
  const { t } = useTranslation()
  const { errorText } = useErrorText()
  const { url, isMaking, error } = useControlImage(control)
  if (error) return <p className="field-error">{errorText(error)}</p>
  return (
    <div className="control-preview" aria-busy={isMaking}>
      {url && <img src={url} alt={t('control.seen', { kind: t(`control.kind.${control.kind}`) })} />}
    </div>
  )
}

function ModelSelect({ value, nets, onChange }) {
  const { t } = useTranslation()
  return (
    <Field label={t('control.model')}>
      {(props) => (
        <Form.Select {...props} value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="auto">{t('control.auto')}</option>
          {nets.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </Form.Select>
      )}
    </Field>
  )
}

/** One picture that guides: what is made of it, by which ControlNet, how strongly, and in which part of the steps. */
export default function ControlItem({ control, nets, onChange, onRemove }) {
  const { t } = useTranslation()
  const missing = useMissingKinds()
  const percent = (share) => `${Math.round(share * PERCENT)} %`
  const range = (name, bounds) => (
    <RangeField
      label={t(`control.${name}`)}
      text={percent(control[name])}
      value={control[name]}
      step={RANGE_STEP}
      {...bounds}
      onChange={(value) => onChange({ [name]: value })}
    />
  )
  return (
    <li className="control-item">
      <Preview control={control} />
      <div className="control-fields">
        <Field label={t('control.kindLabel')}>
          {(props) => (
            <Form.Select {...props} value={control.kind} onChange={(event) => onChange({ kind: event.target.value })}>
              {CONTROL_KINDS.map((kind) => (
                <option key={kind} value={kind} disabled={missing.has(kind)} title={missing.get(kind)}>
                  {missing.has(kind) ? t('control.missing', { kind: t(`control.kind.${kind}`) }) : t(`control.kind.${kind}`)}
                </option>
              ))}
            </Form.Select>
          )}
        </Field>
        {nets.length > 1 && <ModelSelect value={control.model} nets={nets} onChange={(model) => onChange({ model })} />}
        <RangeField
          label={t('control.scale')}
          text={control.scale.toFixed(2)}
          value={control.scale}
          min={0}
          max={SCALE_MAX}
          step={SCALE_STEP}
          onChange={(scale) => onChange({ scale })}
        />
        {range('start', { min: 0, max: control.end - RANGE_STEP })}
        {range('end', { min: control.start + RANGE_STEP, max: 1 })}
        <Button variant="link" size="sm" onClick={onRemove}>
          {t('control.remove')}
        </Button>
      </div>
    </li>
  )
}
