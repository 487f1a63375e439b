import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { PROMPT_MAX } from '../lib/settings.js'
import Field from './Field.jsx'

const EXAMPLES = ['form.example1', 'form.example2', 'form.example3']
/** Below this there is no need to count. */
const COUNT_FROM = 3000

function Examples({ onChoose }) {
  const { t } = useTranslation()
  return (
    <div className="examples" role="group" aria-label={t('form.examples')}>
      {EXAMPLES.map((key) => (
        <button key={key} type="button" className="chip" onClick={() => onChoose(t(key))}>
          {t(key)}
        </button>
      ))}
    </div>
  )
}

/** What the picture shows. Ctrl+Enter or ⌘+Enter submits. */
export default function PromptField({ value, error, onChange, onSubmit }) {
  const { t } = useTranslation()
  const length = [...value].length
  const submitOnShortcut = (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.nativeEvent.isComposing) return
    event.preventDefault()
    if (!event.repeat) onSubmit()
  }
  const count =
    length >= COUNT_FROM ? t('form.promptCount', { count: length, max: PROMPT_MAX }) : undefined
  return (
    <>
      <Field className="wide" label={t('form.prompt')} error={error} hint={count}>
        {(control) => (
          <Form.Control
            {...control}
            as="textarea"
            rows={4}
            className="prompt"
            placeholder={t('form.promptPlaceholder')}
            value={value}
            isInvalid={Boolean(error)}
            onChange={(event) => onChange(event.target.value)}
            onKeyDown={submitOnShortcut}
          />
        )}
      </Field>
      {!value && <Examples onChoose={onChange} />}
    </>
  )
}
