import { useId } from 'react'
import Button from 'react-bootstrap/Button'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useControlImage } from '../../../hooks/canvas/useControlImage.js'
import { useErrorText } from '../../../hooks/server/useErrorText.js'
import { useMissingKinds } from '../../../hooks/server/useMissingKinds.js'
import { CONTROL_KINDS, INPAINT, netOf, SCALE_MAX, SCALE_STEP } from '../../../lib/generate/control.js'
import { isMasked } from '../../../lib/generate/edit.js'
import Field from '../../ui/Field.jsx'
import RangeField from '../../ui/RangeField.jsx'
import MaskedPicture from '../source/MaskedPicture.jsx'

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

/** What a control sees that has no picture of its own, and whether there is any of it. */
function Around({ edit }) {
  const { t } = useTranslation()
  return (
    <>
      <p className="control-around">{t('control.around')}</p>
      <p className="field-hint">{t(isMasked(edit) ? 'control.aroundHint' : 'control.unmasked')}</p>
    </>
  )
}

function KindSelect({ value, onChange }) {
  const { t } = useTranslation()
  const missing = useMissingKinds()
  return (
    <Field label={t('control.kindLabel')}>
      {(props) => (
        <Form.Select {...props} value={value} onChange={(event) => onChange(event.target.value)}>
          {CONTROL_KINDS.map((kind) => (
            <option key={kind} value={kind} disabled={missing.has(kind)} title={missing.get(kind)}>
              {missing.has(kind) ? t('control.missing', { kind: t(`control.kind.${kind}`) }) : t(`control.kind.${kind}`)}
            </option>
          ))}
        </Form.Select>
      )}
    </Field>
  )
}

function ModelSelect({ value, nets, isAny, onChange }) {
  const { t } = useTranslation()
  return (
    <Field label={t('control.model')}>
      {(props) => (
        <Form.Select {...props} value={value} onChange={(event) => onChange(event.target.value)}>
          {isAny && <option value="auto">{t('control.auto')}</option>}
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

/** Whether the mask is shown to a ControlNet that reads one. */
function MaskSwitch({ value, onChange }) {
  const { t } = useTranslation()
  const id = useId()
  return <Form.Check id={id} type="switch" label={t('control.seesMask')} checked={value} onChange={({ target }) => onChange(target.checked)} />
}

/**
 * One picture that guides: what is made of it, by which ControlNet, how strongly, and in which part of the steps; or what
 * is around the mask of `edit`, which guides without a picture of its own.
 */
export default function ControlItem({ control, edit, nets, onChange, onRemove }) {
  const { t } = useTranslation()
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
  const isInpaint = control.kind === INPAINT
  const fitting = isInpaint ? nets.filter((net) => net.takes_mask) : nets
  const isAny = !isInpaint || nets[0]?.takes_mask
  const readsMask = !isInpaint && isMasked(edit) && netOf(control, nets)?.takes_mask
  return (
    <li className="control-item">
      {isInpaint ? <div className="control-preview">{edit && <MaskedPicture edit={edit} alt="" />}</div> : <Preview control={control} />}
      <div className="control-fields">
        {isInpaint ? <Around edit={edit} /> : <KindSelect value={control.kind} onChange={(kind) => onChange({ kind })} />}
        {nets.length > 1 && <ModelSelect value={control.model} nets={fitting} isAny={isAny} onChange={(model) => onChange({ model })} />}
        {readsMask && (
          <MaskSwitch value={control.inpaint !== false} onChange={(sees) => onChange({ inpaint: sees ? undefined : false })} />
        )}
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
