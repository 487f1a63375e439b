import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import Field from '../../ui/Field.jsx'

/** The few sizes of a model that has learned no others; `drawn` is the one that it takes for the form's. */
export default function OwnSizes({ model, drawn, errors, onChange }) {
  const { t } = useTranslation()
  const choose = (event) => {
    const [width, height] = event.target.value.split('x').map(Number)
    onChange({ width, height, custom_size: false })
  }
  return (
    <Field
      className="wide"
      label={t('form.size')}
      hint={t('form.ownSizes', { model: model.name })}
      error={errors.width ?? errors.height}
    >
      {(control) => (
        <Form.Select {...control} value={drawn.join('x')} onChange={choose}>
          {model.sizes.map(([width, height]) => (
            <option key={`${width}x${height}`} value={`${width}x${height}`}>
              {width} × {height}
            </option>
          ))}
        </Form.Select>
      )}
    </Field>
  )
}
