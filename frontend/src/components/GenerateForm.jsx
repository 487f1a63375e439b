import { lazy, useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import { useFormChanges } from '../hooks/generate/useFormChanges.js'
import { useFormErrors } from '../hooks/generate/useFormErrors.js'
import { useHeldEnter } from '../hooks/input/useHeldEnter.js'
import { useHotkeys } from '../hooks/input/useHotkeys.js'
import { useLibrary } from '../hooks/generate/useLibrary.js'
import { useMode } from '../hooks/kept/useMode.js'
import { useModel } from '../hooks/server/useModels.js'
import { withinReach } from '../lib/generate/abilities.js'
import { expandPrompt, MAX_PROMPTS } from '../lib/generate/expand.js'
import { ADVANCED_FIELDS, drawSeed, resetOf, toRequest } from '../lib/generate/settings.js'
import './GenerateForm.css'
import AdvancedFields from './generate/AdvancedFields.jsx'
import CountField from './generate/CountField.jsx'
import FormActions from './generate/FormActions.jsx'
import ModeSwitch from './generate/ModeSwitch.jsx'
import PictureFields from './generate/PictureFields.jsx'
import PromptField from './generate/prompt/PromptField.jsx'
import PromptTools from './generate/prompt/PromptTools.jsx'
import SizePicker from './generate/size/SizePicker.jsx'
import LoraField from './loras/LoraField.jsx'

const SourceCanvas = lazy(() => import('./SourceCanvas.jsx'))
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
  const { settings, recent, change: onChange, steps, sources, remember } = form
  const { formRef, texts, general, check, showServerError, clear } = useFormErrors()
  const { change, changePrompt, replace, replaceAndSay, reset } = useFormChanges(form, clear)
  const [mode, setMode] = useMode()
  const library = useLibrary()
  const model = useModel(settings.model)
  const drawn = withinReach(settings, model)
  const prompts = expandPrompt(settings.prompt, library.lists)
  const tasks = Math.max(1, prompts.length)

  const changeSize = useCallback(
    (size) => change(drawn.edit ? { edit: { ...drawn.edit, size } } : size),
    [change, drawn.edit],
  )
  const submit = async () => {
    if (!check(drawn, prompts)) return
    const drawsSeed = settings.seed && !settings.seed_locked
    if (drawsSeed) onChange({ seed: drawSeed() }) // at once: the next press is another picture
    try {
      await onGenerate(prompts.map((prompt) => toRequest(settings, model, prompt)))
      remember(settings.prompt.trim())
    } catch (error) {
      if (drawsSeed) onChange({ seed: settings.seed })
      showServerError(error)
    }
  }
  useHotkeys({ 'Mod+Enter': submit })
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
      <PictureFields
        settings={drawn}
        model={model}
        errors={texts}
        sources={sources}
        Canvas={SourceCanvas}
        onChange={change}
        onReplace={replaceAndSay}
      />
      <LoraField settings={settings} error={texts.loras} onChange={change} onPrompt={changePrompt} onReplace={replace} onRemove={replaceAndSay} />
      {drawn.edit ? null : <SizePicker settings={settings} errors={texts} onChange={change} />}
      <CountField value={settings.num_images} error={texts.num_images} onChange={change} />
      {showsAll && <AdvancedFields settings={settings} errors={texts} onChange={change} />}
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
