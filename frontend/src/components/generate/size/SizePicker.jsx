import { memo } from 'react'
import Form from 'react-bootstrap/Form'
import InputGroup from 'react-bootstrap/InputGroup'
import { useTranslation } from 'react-i18next'

import { useDrawing, useDrawnSize } from '../../../hooks/generate/useDrawnSize.js'
import { useModel } from '../../../hooks/server/useModels.js'
import { isSameButPrompt, resetOf } from '../../../lib/generate/settings.js'
import { nearestPreset, PRESETS, ratioOf } from '../../../lib/generate/sizes.js'
import CustomSize from './CustomSize.jsx'
import Field from '../../ui/Field.jsx'
import OwnSizes from './OwnSizes.jsx'
import ShapePicker from './ShapePicker.jsx'
import SwapButton from './SwapButton.jsx'

const CUSTOM = 'custom'

/** A size, and what becomes of it where it is not drawn as it is. */
function textOf([width, height], drawing) {
  const [w, h] = drawing ? drawing(width, height) : [width, height]
  const asked = `${width} × ${height}`
  return w === width && h === height ? asked : `${asked} → ${w} × ${h}`
}

function PresetSelect({ ratio, width, height, drawing, hint, onChange }) {
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
                {textOf([w, h], drawing)}
              </option>
            ))}
          </Form.Select>
          <SwapButton className="input-button" width={width} height={height} onChange={onChange} />
        </InputGroup>
      )}
    </Field>
  )
}

/** Shape and size of the picture: presets by ratio, any sides that the server takes, or the few sizes of the model. */
function SizePicker({ settings, errors, onChange }) {
  const { t } = useTranslation()
  const { width, height } = settings
  const drawn = useDrawnSize(settings)
  const drawing = useDrawing(settings)
  const model = useModel(settings.model)
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
  if (drawing && model.sizes?.length > 0) {
    return <OwnSizes model={model} drawn={drawing(width, height)} errors={errors} onChange={onChange} />
  }
  return (
    <>
      <ShapePicker value={custom ? CUSTOM : ratio} onChange={chooseShape} onReset={onReset} />
      {custom ? (
        <CustomSize width={width} height={height} errors={errors} hint={hint} onChange={onChange} />
      ) : (
        <PresetSelect ratio={ratio} width={width} height={height} drawing={drawing} hint={hint} onChange={onChange} />
      )}
    </>
  )
}

export default memo(SizePicker, isSameButPrompt)
