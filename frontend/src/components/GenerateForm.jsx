import { lazy, useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import { useFormErrors } from '../hooks/generate/useFormErrors.js'
import { useSubmit } from '../hooks/generate/useGenerate.js'
import { useHeldEnter } from '../hooks/input/useHeldEnter.js'
import { useHotkeys } from '../hooks/input/useHotkeys.js'
import { useLibrary } from '../hooks/generate/useLibrary.js'
import { useMode } from '../hooks/kept/useMode.js'
import { useModel } from '../hooks/server/useModels.js'
import { expandPrompt, MAX_PROMPTS } from '../lib/generate/expand.js'
import { ADVANCED_FIELDS, DEFAULT_SETTINGS, resetOf } from '../lib/generate/settings.js'
import FormCanvas from './FormCanvas.jsx'
import './GenerateForm.css'
import AdvancedFields from './generate/AdvancedFields.jsx'
import ControlField from './generate/control/ControlField.jsx'
import CountField from './generate/CountField.jsx'
import FormActions from './generate/FormActions.jsx'
import ModeSwitch from './generate/ModeSwitch.jsx'
import PromptField from './generate/prompt/PromptField.jsx'
import PromptTools from './generate/prompt/PromptTools.jsx'
import SizePicker from './generate/size/SizePicker.jsx'
import SourceField from './generate/source/SourceField.jsx'
import LoraField from './loras/LoraField.jsx'

const LoraSuggestions = lazy(() => import('./loras/LoraSuggestions.jsx'))
const LibraryDialog = lazy(() => import('./library/LibraryDialog.jsx'))

/**
 * The form that asks for pictures.
 *
 * `form` is what useSettings answers; it lives in the parent, so that a picture's settings can be taken over.
 * `onGenerate` takes a list of requests, one for each prompt that the written one stands for, and throws an ApiError
 * when the server refuses.
 */
export default function GenerateForm({ form, onGenerate }) {
  const { t } = useTranslation()
  const { settings, recent, change: onChange, write, replace: onReplace, replaceAloud, steps, reset: onReset, drawFrom, guideBy, remember } = form
  const { formRef, texts, general, check, showServerError, clear } = useFormErrors()
  const [mode, setMode] = useMode()
  const library = useLibrary()
  const model = useModel(settings.model)
  const prompts = expandPrompt(settings.prompt, library.lists)
  const tasks = Math.max(1, prompts.length)

  const change = useCallback(
    (patch) => {
      onChange(patch)
      clear(Object.keys(patch))
    },
    [onChange, clear],
  )
  const changePrompt = useCallback(
    (prompt, composition) => {
      write(prompt, composition)
      clear(['prompt'])
    },
    [write, clear],
  )
  const replace = useCallback(
    (patch) => {
      clear(Object.keys(patch))
      return onReplace(patch)
    },
    [onReplace, clear],
  )
  const replaceAndSay = useCallback(
    (patch, text) => {
      clear(Object.keys(patch))
      replaceAloud(patch, text)
    },
    [replaceAloud, clear],
  )
  const changeSize = useCallback(
    (size) => change(settings.edit ? { edit: { ...settings.edit, size } } : size),
    [change, settings.edit],
  )
  const reset = useCallback(() => {
    onReset()
    clear(Object.keys(DEFAULT_SETTINGS))
  }, [onReset, clear])
  const submit = useSubmit({ settings, prompts, model, check, remember, onGenerate, onChange, onRefused: showServerError })
  useHotkeys({ 'Mod+Enter': () => submit() })
  useHeldEnter(formRef)
  const onSubmit = (event) => {
    // React lets events of dialogs bubble to what opened them: the forms in there are not this one.
    if (event.target !== event.currentTarget) return
    event.preventDefault()
    submit()
  }

  // What was refused must be seen, also where the simple form hides it.
  const showsAll = mode === 'advanced' || ADVANCED_FIELDS.some((field) => texts[field])
  return (
    <form ref={formRef} className="panel generate-form" noValidate aria-labelledby="form-title" onSubmit={onSubmit}>
      <div className="panel-head wide">
        <h2 id="form-title">{t('form.title')}</h2>
        <ModeSwitch mode={mode} onChange={setMode} />
      </div>
      <PromptField
        value={settings.prompt}
        model={settings.model}
        error={texts.prompt}
        recent={recent}
        tools={
          <PromptTools
            settings={settings}
            prompts={prompts}
            library={library}
            Library={LibraryDialog}
            onReplace={replace}
            onApply={(patch) => replaceAndSay(patch, t('library.applied'))}
          />
        }
        Suggestions={LoraSuggestions}
        onChange={changePrompt}
        onExample={(prompt) => replace({ prompt })}
        steps={steps}
        onReset={resetOf(settings, ['prompt'], replace)}
      />
      <SourceField edit={settings.edit} errors={texts} onChoose={drawFrom} onChange={change} />
      <ControlField controls={settings.control} error={texts.control} onChoose={guideBy} onChange={change} />
      <LoraField settings={settings} error={texts.loras} onChange={change} onPrompt={changePrompt} onReplace={replace} onRemove={replaceAndSay} />
      {settings.edit ? null : <SizePicker settings={settings} errors={texts} onChange={change} />}
      <CountField value={settings.num_images} error={texts.num_images} onChange={change} />
      {showsAll && <AdvancedFields settings={settings} errors={texts} onChange={change} />}
      <FormCanvas settings={settings} problem={general || Object.values(texts)[0]} onChange={change} onPrompt={changePrompt} onSubmit={submit} />
      <FormActions
        settings={settings}
        error={general}
        tasks={prompts.length > MAX_PROMPTS ? null : tasks}
        onReset={reset}
        onSize={changeSize}
      />
    </form>
  )
}
