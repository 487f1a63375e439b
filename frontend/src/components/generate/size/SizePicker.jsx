import { memo } from 'react'
import Form from 'react-bootstrap/Form'
import InputGroup from 'react-bootstrap/InputGroup'
import { useTranslation } from 'react-i18next'

import { useDrawnSize } from '../../../hooks/generate/useDrawnSize.js'
import { isSameButPrompt, resetOf } from '../../../lib/generate/settings.js'
import { nearestPreset, PRESETS, ratioOf } from '../../../lib/generate/sizes.js'
import CustomSize from './CustomSize.jsx'
import Field from '../../ui/Field.jsx'
import ShapePicker from './ShapePicker.jsx'
import SwapButton from './SwapButton.jsx'

const CUSTOM = 'custom'

function PresetSelect({ ratio, width, height, hint, onChange }) {
  const { t } = useTranslation()
  const choose = (event) => {
    const [w, h] = event.target.value.split('x').map(Number)
    onChange({ width: w, height: h })
  }
  return (
    <Field className="half" label={t('form.size')} hint={hint}>
      {(control) => (
        <InputGroup>
          <Form.Select {...control} value={`${width}x${height}`} onChange={choose}>
            {PRESETS[ratio].map(([w, h]) => (
              <option key={`${w}x${h}`} value={`${w}x${h}`}>
                {w} × {h}
              </option>
            ))}
          </Form.Select>
          <SwapButton className="input-button" width={width} height={height} onChange={onChange} />
        </InputGroup>
      )}
    </Field>
  )
}

/** Shape and size of the picture: presets by ratio, or any sides that the server takes. */
function SizePicker({ settings, errors, onChange }) {
  const { t } = useTranslation()
  const { width, height } = settings
  const drawn = useDrawnSize(settings)
  const hint = drawn ? t('form.drawnSize', drawn) : undefined
  const onReset = resetOf(settings, ['width', 'height', 'custom_size'], onChange)
  const ratio = ratioOf(width, height)
  const custom = settings.custom_size || !ratio || Boolean(errors.width || errors.height)
  const chooseShape = (shape) => {
    if (shape === CUSTOM) return onChange({ custom_size: true })
    const valid = Number.isFinite(width) && Number.isFinite(height) && width > 0 && height > 0
    const [w, h] = nearestPreset(shape, valid ? width : 1024, valid ? height : 1024)
    return onChange({ width: w, height: h, custom_size: false })
  }
  return (
    <>
      <ShapePicker value={custom ? CUSTOM : ratio} onChange={chooseShape} onReset={onReset} />
      {custom ? (
        <CustomSize width={width} height={height} errors={errors} hint={hint} onChange={onChange} />
      ) : (
        <PresetSelect ratio={ratio} width={width} height={height} hint={hint} onChange={onChange} />
      )}
    </>
  )
}

export default memo(SizePicker, isSameButPrompt)
