import { memo } from 'react'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useModels } from '../../hooks/server/useModels.js'
import { resetOf } from '../../lib/generate/settings.js'
import Field from '../ui/Field.jsx'

function autoLabel(t, model) {
  if (!model) return t('form.modelAuto')
  return t(model.demo ? 'form.modelAutoDemo' : 'form.modelAutoNamed', { name: model.id })
}

function modelLabel(t, model) {
  if (!model.installed) return t('form.modelMissing', { name: model.name })
  return model.demo ? t('form.modelDemo', { name: model.name }) : model.name
}

/** Which model draws. Models without weights on this machine are listed, but cannot be chosen. */
function ModelField({ value, error, onChange }) {
  const { t } = useTranslation()
  const { data } = useModels()
  const models = data?.models ?? []
  const known = value === 'auto' || models.some((model) => model.id === value)
  const best = models.find((model) => model.id === data?.default)
  return (
    <Field label={t('form.model')} error={error} onReset={resetOf({ model: value }, ['model'], onChange)}>
      {(control) => (
        <Form.Select
          {...control}
          value={value}
          isInvalid={Boolean(error)}
          onChange={(event) => onChange({ model: event.target.value })}
        >
          <option value="auto">{autoLabel(t, best)}</option>
          {!known && <option value={value}>{value}</option>}
          {models.map((model) => (
            <option key={model.id} value={model.id} disabled={!model.installed}>
              {modelLabel(t, model)}
            </option>
          ))}
        </Form.Select>
      )}
    </Field>
  )
}

export default memo(ModelField)
