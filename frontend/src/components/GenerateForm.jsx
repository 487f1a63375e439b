import { useTranslation } from 'react-i18next'

import { useDrawnSize } from '../hooks/useDrawnSize.js'
import { useEstimate } from '../hooks/useEstimate.js'
import { useFormErrors } from '../hooks/useFormErrors.js'
import { useHotkeys } from '../hooks/useHotkeys.js'
import { useLibrary } from '../hooks/useLibrary.js'
import { useModel } from '../hooks/useModels.js'
import { usePersistentState } from '../hooks/usePersistentState.js'
import { usePromptHistory } from '../hooks/usePromptHistory.js'
import { expandPrompt, MAX_PROMPTS } from '../lib/expand.js'
import { ADVANCED_FIELDS, DEFAULT_SETTINGS, drawSeed, toRequest } from '../lib/settings.js'
import './GenerateForm.css'
import AdvancedFields from './AdvancedFields.jsx'
import CountField from './CountField.jsx'
import FormActions from './FormActions.jsx'
import ModeSwitch from './ModeSwitch.jsx'
import PromptField from './PromptField.jsx'
import PromptTools from './PromptTools.jsx'
import SizePicker from './SizePicker.jsx'

const restoreMode = (stored) => (stored === 'simple' ? 'simple' : 'advanced')

/** Answers a function that resets some fields, or undefined when they have their defaults already. */
function useFieldResets(settings, change) {
  return (...fields) => {
    if (fields.every((field) => settings[field] === DEFAULT_SETTINGS[field])) return undefined
    return () => change(Object.fromEntries(fields.map((field) => [field, DEFAULT_SETTINGS[field]])))
  }
}

/**
 * The form that asks for pictures.
 *
 * `settings` live in the parent, so that a picture's settings can be taken over. `onGenerate` takes a list of
 * requests, one for each prompt that the written one stands for, and throws an ApiError when the server refuses.
 */
export default function GenerateForm({ settings, isPending, onChange, onReset, onGenerate }) {
  const { t } = useTranslation()
  const { formRef, texts, general, check, showServerError, clear } = useFormErrors()
  const [mode, setMode] = usePersistentState('zimage.mode', 'advanced', restoreMode)
  const { prompts: recent, remember } = usePromptHistory()
  const library = useLibrary()
  const model = useModel(settings.model)
  const drawn = useDrawnSize(settings)
  const prompts = expandPrompt(settings.prompt, library.lists)
  const tasks = Math.max(1, prompts.length)
  const count = tasks * settings.num_images
  const estimateMs = useEstimate(settings, count)

  const change = (patch) => {
    onChange(patch)
    clear(Object.keys(patch))
  }
  const resetOf = useFieldResets(settings, change)
  const submit = async () => {
    if (isPending || !check(settings, prompts)) return
    try {
      await onGenerate(prompts.map((prompt) => toRequest(settings, model, prompt)))
      remember(settings.prompt.trim())
      if (settings.seed && !settings.seed_locked) onChange({ seed: drawSeed() })
    } catch (error) {
      showServerError(error)
    }
  }
  useHotkeys({ 'Mod+Enter': submit })
  const onSubmit = (event) => {
    event.preventDefault()
    submit()
  }
  const reset = () => {
    onReset()
    clear(Object.keys(settings))
  }

  // What was refused must be seen, also where the simple form hides it.
  const showsAll = mode === 'advanced' || ADVANCED_FIELDS.some((field) => texts[field])
  const tooMany = prompts.length > MAX_PROMPTS
  return (
    <form ref={formRef} className="panel generate-form" noValidate aria-labelledby="form-title" onSubmit={onSubmit}>
      <div className="panel-head wide">
        <h2 id="form-title">{t('form.title')}</h2>
        <ModeSwitch mode={mode} onChange={setMode} />
      </div>
      <PromptField
        value={settings.prompt}
        error={texts.prompt}
        recent={recent}
        tools={<PromptTools settings={settings} prompts={prompts} library={library} onChange={change} />}
        onChange={(prompt) => change({ prompt })}
        onReset={resetOf('prompt')}
      />
      <SizePicker
        settings={settings}
        errors={texts}
        hint={drawn ? t('form.drawnSize', drawn) : undefined}
        onChange={change}
        onReset={resetOf('width', 'height', 'custom_size')}
      />
      <CountField
        value={settings.num_images}
        error={texts.num_images}
        onChange={(value) => change({ num_images: value })}
        onReset={resetOf('num_images')}
      />
      {showsAll && <AdvancedFields settings={settings} errors={texts} onChange={change} resetOf={resetOf} />}
      <FormActions
        isPending={isPending}
        error={general}
        count={tooMany ? 1 : count}
        tasks={tooMany ? 1 : tasks}
        estimateMs={tooMany ? null : estimateMs}
        onReset={reset}
      />
    </form>
  )
}
