import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import Field from '../../ui/Field.jsx'

/** How many times larger the picture becomes. */
export default function UpscaleField({ value, choices, onChange }) {
  const { t } = useTranslation()
  return (
    <Field label={t('edit.upscale')} hint={value > 1 ? t('edit.upscaleHint') : undefined}>
      {(control) => (
        <Form.Select {...control} value={value} onChange={(event) => onChange(Number(event.target.value))}>
          {[...new Set([...choices, value])].toSorted((one, other) => one - other).map((times) => (
            <option key={times} value={times}>
              {times === 1 ? t('edit.upscaleNone') : `${times} ×`}
            </option>
          ))}
        </Form.Select>
      )}
    </Field>
  )
}
