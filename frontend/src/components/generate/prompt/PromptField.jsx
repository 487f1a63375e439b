import { Suspense, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { usePromptRecall } from '../../../hooks/generate/usePromptHistory.js'
import { useTokenCount } from '../../../hooks/generate/useTokenCount.js'
import { useUndo } from '../../../hooks/input/useUndo.js'
import { useOpenTag } from '../../../hooks/loras/useOpenTag.js'
import { PROMPT_MAX } from '../../../lib/generate/settings.js'
import { unreadPart } from '../../../lib/generate/unread.js'
import Field from '../../ui/Field.jsx'
import MarkedPrompt from './MarkedPrompt.jsx'

const EXAMPLES = ['form.example1', 'form.example2', 'form.example3']
/** Below this there is no need to count. */
const COUNT_FROM = 3000

/** They keep their room when they are hidden: what is said of a prompt stands there, and nothing moves. */
function Examples({ hidden, onChoose }) {
  const { t } = useTranslation()
  return (
    <div className="examples" role="group" aria-label={t('form.examples')} style={{ visibility: hidden ? 'hidden' : undefined }}>
      {EXAMPLES.map((key) => (
        <button key={key} type="button" className="chip" onClick={() => onChoose(t(key))}>
          {t(key)}
        </button>
      ))}
    </div>
  )
}

/** The list of what a begun `<lora:` can become: `props` for the field, and the `list` itself. */
function useSuggestions(field, model, Suggestions, onChange) {
  const keys = useRef(null)
  const [active, setActive] = useState(null)
  const { tag, look, take, close, leave } = useOpenTag(field, onChange)
  const takesKey = (event) => {
    if (!tag || event.nativeEvent.isComposing || !keys.current?.(event)) return false
    event.preventDefault()
    event.stopPropagation()
    return true
  }
  const list = tag && Suggestions && (
    <Suspense>
      <Suggestions typed={tag.typed} model={model} keys={keys} onActive={setActive} onTake={take} onClose={close} />
    </Suspense>
  )
  const props = { 'aria-autocomplete': 'list', ...active, onSelect: look, onBlur: leave }
  return { list, props, takesKey, look }
}

/**
 * What the picture shows. `steps` are those of the form, which Ctrl+Z takes back. ↑ brings back `recent` prompts; `tools`
 * stand beneath, and `facts` about it. `Suggestions` lists what a begun `<lora:` can become.
 */
export default function PromptField({ value, model, error, recent, tools, facts, steps, Suggestions, onChange, onExample, onReset }) {
  const { t } = useTranslation()
  const field = useRef(null)
  const compositions = useRef(0)
  useUndo(field, steps)
  const unread = unreadPart(value, useTokenCount(value, model))
  const recall = usePromptRecall(recent, onChange)
  const { list, props, takesKey, look } = useSuggestions(field, model, Suggestions, onChange)
  const length = [...value].length
  const count = length >= COUNT_FROM ? t('form.promptCount', { count: length, max: PROMPT_MAX }) : undefined
  return (
    <>
      <Field className="wide" label={t('form.prompt')} error={error} hint={count} onReset={onReset}>
        {(control) => (
          <MarkedPrompt
            {...control}
            {...props}
            unread={unread}
            placeholder={t('form.promptPlaceholder')}
            value={value}
            isInvalid={Boolean(error)}
            ref={field}
            onCompositionStart={() => (compositions.current += 1)}
            onChange={({ target, nativeEvent }) => {
              onChange(target.value, nativeEvent.isComposing ? compositions.current : 0)
              look()
            }}
            onKeyDown={(event) => takesKey(event) || recall(event)}
          >
            {list}
          </MarkedPrompt>
        )}
      </Field>
      <div className="prompt-tools wide">{tools}</div>
      <div className="prompt-below wide">
        <Examples hidden={value !== ''} onChoose={onExample} />
        <div className="prompt-facts">{facts}</div>
      </div>
    </>
  )
}
