import Form from 'react-bootstrap/Form'
import InputGroup from 'react-bootstrap/InputGroup'
import { useTranslation } from 'react-i18next'

import { drawSeed } from '../lib/settings.js'
import Field from './Field.jsx'
import Icon from './Icon.jsx'

/** An optional seed; empty lets the server draw one. */
export default function SeedField({ value, error, onChange }) {
  const { t } = useTranslation()
  return (
    <Field label={t('form.seed')} error={error} hint={t('form.seedHint')}>
      {(control) => (
        <InputGroup hasValidation>
          <Form.Control
            {...control}
            inputMode="numeric"
            autoComplete="off"
            placeholder={t('form.seedPlaceholder')}
            value={value}
            isInvalid={Boolean(error)}
            onChange={(event) => onChange(event.target.value)}
          />
          {value && (
            <button
              type="button"
              className="input-button"
              aria-label={t('form.seedClear')}
              title={t('form.seedClear')}
              onClick={() => onChange('')}
            >
              <Icon name="close" size={16} />
            </button>
          )}
          <button
            type="button"
            className="input-button"
            aria-label={t('form.seedDice')}
            title={t('form.seedDice')}
            onClick={() => onChange(drawSeed())}
          >
            <Icon name="dice" />
          </button>
        </InputGroup>
      )}
    </Field>
  )
}
