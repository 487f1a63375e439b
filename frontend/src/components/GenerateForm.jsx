import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useDrawnSize } from '../hooks/useDrawnSize.js'
import { useFormErrors } from '../hooks/useFormErrors.js'
import { toRequest } from '../lib/settings.js'
import './GenerateForm.css'
import DeviceSwitch from './DeviceSwitch.jsx'
import ModelField from './ModelField.jsx'
import Notice from './Notice.jsx'
import PromptField from './PromptField.jsx'
import SeedField from './SeedField.jsx'
import SizePicker from './SizePicker.jsx'
import StepsField from './StepsField.jsx'

const SHORTCUT_KEY = /Mac|iP(hone|ad)/.test(navigator.platform) ? '⌘' : 'Ctrl'

/** The buttons, and why the last request was refused as a whole: both always in sight. */
function Actions({ isPending, error, onReset }) {
  const { t } = useTranslation()
  return (
    <div className="form-actions">
      {error && (
        <Notice tone="danger" role="alert">
          {error}
        </Notice>
      )}
      <Button type="submit" size="lg" disabled={isPending}>
        {isPending ? t('form.submitting') : t('form.submit')}
        <kbd>{t('form.shortcut', { key: SHORTCUT_KEY })}</kbd>
      </Button>
      <Button variant="link" onClick={onReset}>
        {t('form.reset')}
      </Button>
    </div>
  )
}

/**
 * The form that asks for a picture.
 *
 * `settings` live in the parent, so that a picture's settings can be taken over. `onGenerate` takes the
 * request and throws an ApiError when the server refuses it.
 */
export default function GenerateForm({ settings, isPending, onChange, onReset, onGenerate }) {
  const { t } = useTranslation()
  const { formRef, texts, general, check, showServerError, clear } = useFormErrors()
  const drawn = useDrawnSize(settings)

  const change = (patch) => {
    onChange(patch)
    clear(Object.keys(patch))
  }
  const submit = async () => {
    if (isPending || !check(settings)) return
    try {
      await onGenerate(toRequest(settings))
    } catch (error) {
      showServerError(error)
    }
  }
  const onSubmit = (event) => {
    event.preventDefault()
    submit()
  }
  const reset = () => {
    onReset()
    clear(Object.keys(settings))
  }
  const set = (field) => (value) => change({ [field]: value })

  return (
    <form ref={formRef} className="panel generate-form" noValidate aria-labelledby="form-title" onSubmit={onSubmit}>
      <h2 id="form-title">{t('form.title')}</h2>
      <PromptField value={settings.prompt} error={texts.prompt} onChange={set('prompt')} onSubmit={submit} />
      <SizePicker
        settings={settings}
        errors={texts}
        hint={drawn ? t('form.drawnSize', drawn) : undefined}
        onChange={change}
      />
      <StepsField
        value={settings.num_inference_steps}
        error={texts.num_inference_steps}
        onChange={set('num_inference_steps')}
      />
      <SeedField value={settings.seed} error={texts.seed} onChange={set('seed')} />
      <ModelField value={settings.model} error={texts.model} onChange={set('model')} />
      <DeviceSwitch value={settings.use_gpu} onChange={set('use_gpu')} />
      <Actions isPending={isPending} error={general} onReset={reset} />
    </form>
  )
}
