import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { mostSize, positionOf, sizeAt } from '../../../lib/canvas/settings.js'
import Field from '../../ui/Field.jsx'
import RangeField from '../../ui/RangeField.jsx'

/** How the brush paints. */
export default function BrushFields({ settings, size, change }) {
  const { t } = useTranslation()
  const most = mostSize(size)
  const strength = Math.round(100 * settings.strength)
  const percent = Math.round(100 * settings.hardness)
  const toggle = (name) => (
    <Form.Check
      type="switch"
      id={`canvas-${name}`}
      label={t(`canvas.${name}`)}
      checked={settings[name]}
      onChange={({ target }) => change({ [name]: target.checked })}
    />
  )
  return (
    <>
      <RangeField
        label={t('canvas.size')}
        text={t('canvas.px', { px: settings.size })}
        value={positionOf(settings.size, most)}
        min={0}
        max={100}
        onChange={(position) => change({ size: sizeAt(position, most) })}
      />
      <RangeField
        label={t('canvas.hardness')}
        text={t('canvas.percent', { percent })}
        value={percent}
        min={0}
        max={100}
        step={5}
        onChange={(next) => change({ hardness: next / 100 })}
      />
      <RangeField
        label={t('canvas.strength')}
        text={t('canvas.percent', { percent: strength })}
        hint={strength < 100 ? t(`canvas.strengthHints.${settings.mode}`) : undefined}
        value={strength}
        min={5}
        max={100}
        step={5}
        onChange={(next) => change({ strength: next / 100 })}
      />
      {settings.mode === 'sketch' && (
        <Field label={t('canvas.colour')}>
          {(control) => (
            <Form.Control {...control} type="color" value={settings.colour} onChange={({ target }) => change({ colour: target.value })} />
          )}
        </Field>
      )}
      {settings.pen && (
        <div className="canvas-switches">
          {toggle('pressure')}
          {toggle('fingers')}
        </div>
      )}
    </>
  )
}
