import { useId } from 'react'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useChoice } from '../../hooks/server/useModels.js'
import { useErrorText } from '../../hooks/server/useErrorText.js'
import { sizeOf } from '../../lib/models/variants.js'
import Notice from '../ui/Notice.jsx'

const MEMBERS = ['turbo', 'base']

function Choice({ label, value, options, onChoose, disabled }) {
  const id = useId()
  return (
    <div className="model-part">
      <label htmlFor={id}>{label}</label>
      <Form.Select size="sm" id={id} value={value} disabled={disabled} onChange={(e) => onChoose(e.target.value)}>
        {options.map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </Form.Select>
    </div>
  )
}

/** What a model of single files is put together from, and what else would fit. */
export default function ModelParts({ model }) {
  const { t } = useTranslation()
  const { errorText } = useErrorText()
  const { choose, isPending, error } = useChoice(model)
  if (!model.member) return null
  const members = MEMBERS.map((member) => [member, t(`models.member.${member}`)])
  return (
    <div className="model-parts">
      <Choice
        label={t('models.runAs')}
        value={model.member}
        options={members}
        disabled={isPending}
        onChoose={(member) => choose({ member })}
      />
      {model.parts.map(({ part, file, format, size_bytes: bytes, choices }) =>
        choices.length > 1 ? (
          <Choice
            key={part}
            label={t(`models.part.${part}`)}
            value={file}
            options={choices.map((name) => [name, name])}
            disabled={isPending}
            onChoose={(name) => choose({ [part]: name })}
          />
        ) : (
          <p key={part} className="model-part">
            <span>{t(`models.part.${part}`)}</span>
            <span className="muted">
              {file} · {format} · {sizeOf(bytes)}
            </span>
          </p>
        ),
      )}
      {error && <Notice tone="danger">{errorText(error)}</Notice>}
    </div>
  )
}
