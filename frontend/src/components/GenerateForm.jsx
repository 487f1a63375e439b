import { lazy, useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import { useFormErrors } from '../hooks/generate/useFormErrors.js'
import { useSubmit } from '../hooks/generate/sending/useSubmit.js'
import { useHeldEnter } from '../hooks/input/useHeldEnter.js'
import { useHotkeys } from '../hooks/input/useHotkeys.js'
import { useLibrary } from '../hooks/generate/useLibrary.js'
import { useMode } from '../hooks/kept/useMode.js'
import { useModel } from '../hooks/server/useModels.js'
import { withinReach } from '../lib/generate/abilities.js'
import { expandPrompt } from '../lib/generate/expand.js'
import { plannedOf } from '../lib/generate/prompt/requests.js'
import { ADVANCED_FIELDS, resetOf } from '../lib/generate/settings.js'
import FormCanvas from './FormCanvas.jsx'
import './GenerateForm.css'
import AdvancedFields from './generate/AdvancedFields.jsx'
import CountField from './generate/CountField.jsx'
import FormActions from './generate/FormActions.jsx'
import ModeSwitch from './generate/ModeSwitch.jsx'
import PictureFields from './generate/PictureFields.jsx'
import PromptFacts from './generate/prompt/PromptFacts.jsx'
import PromptField from './generate/prompt/PromptField.jsx'
import PromptTools from './generate/prompt/PromptTools.jsx'
import SizePicker from './generate/size/SizePicker.jsx'
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
  const { settings, recent, change, write, replace, replaceAloud, reset, steps, sources, arrivals } = form
  const errors = useFormErrors(settings)
  const { formRef, texts, general } = errors
  const [mode, setMode] = useMode()
  const library = useLibrary()
  const model = useModel(settings.model)
  const drawn = withinReach(settings, model)
  const prompts = expandPrompt(settings.prompt, library.lists)

  const changeSize = useCallback(
    (size) => change(drawn.edit ? { edit: { ...drawn.edit, size } } : size),
    [change, drawn.edit],
  )
  const submit = useSubmit({ form, errors, drawn, prompts, lists: library.lists, model, onGenerate })
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
            library={library}
            Library={LibraryDialog}
            onReplace={replace}
            onApply={replaceAloud}
          />
        }
        facts={<PromptFacts settings={settings} prompts={prompts} lists={library.lists} onChange={change} />}
        Suggestions={LoraSuggestions}
        onChange={write}
        onExample={(prompt) => replace({ prompt })}
        steps={steps}
        onReset={resetOf(settings, ['prompt'], replace)}
      />
      <PictureFields
        settings={drawn}
        model={model}
        errors={texts}
        sources={sources}
        arrivals={arrivals}
        onChange={change}
        onReplace={replaceAloud}
      />
      <LoraField settings={settings} error={texts.loras} onChange={change} onPrompt={write} onReplace={replace} onRemove={replaceAloud} />
      {drawn.edit ? null : <SizePicker settings={settings} errors={texts} onChange={change} />}
      <CountField value={settings.num_images} error={texts.num_images} onChange={change} />
      {showsAll && <AdvancedFields settings={settings} errors={texts} onChange={change} />}
      <FormCanvas
        settings={settings}
        arrivals={arrivals}
        problem={general || Object.values(texts)[0]}
        onChange={change}
        onPrompt={write}
        onSubmit={submit}
      />
      <FormActions
        settings={settings}
        error={general}
        waiting={arrivals.waiting}
        {...plannedOf(settings, prompts)}
        onReset={reset}
        onSize={changeSize}
      />
    </form>
  )
}
