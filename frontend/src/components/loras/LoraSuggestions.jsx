import { useEffect, useId, useImperativeHandle, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { useLoras } from '../../hooks/loras/useLoras.js'
import { addLoraTexts } from '../../i18n/loras.js'
import { advisedStrength, strengthText } from '../../lib/generate/loras.js'
import { titleOf } from '../../lib/loras/catalogue.js'
import { suggest } from '../../lib/loras/tag.js'
import './LoraSuggestions.css'

const STEPS = { ArrowDown: 1, ArrowUp: -1 }
const TAKES = ['Enter', 'Tab']
const hasModifier = ({ ctrlKey, metaKey, altKey, shiftKey }) => ctrlKey || metaKey || altKey || shiftKey

/** What a screen reader is told of the list is said by the field, which keeps the focus. */
function useActive(onActive, listId, activeId) {
  useEffect(() => {
    document.getElementById(activeId)?.scrollIntoView({ block: 'nearest' })
    onActive({ 'aria-controls': listId, 'aria-activedescendant': activeId })
    return () => onActive(null)
  }, [onActive, listId, activeId])
}

/**
 * The names that `<lora:` and what was `typed` behind it can become, beneath the prompt.
 *
 * `keys` gets a function of the field's keystrokes, which answers whether the list took one; `onActive` gets the field's
 * attributes; `onTake` gets the LoRA as `{name, strength}`.
 */
export default function LoraSuggestions({ typed, model, keys, onActive, onTake, onClose }) {
  const { t, i18n } = useTranslation()
  useState(() => addLoraTexts(i18n)) // Once, before the texts are read.
  const listId = useId()
  const [place, setPlace] = useState({ typed, at: 0 })
  const found = suggest(useLoras(model).loras, typed)
  const at = place.typed === typed ? Math.min(place.at, found.length - 1) : 0
  const idOf = (index) => `${listId}-${index}`
  const take = (lora) => onTake({ name: lora.name, strength: strengthText(advisedStrength(lora)) })
  const takesKey = (event) => {
    if (found.length === 0 || hasModifier(event)) return false
    if (event.key === 'Escape') onClose()
    else if (TAKES.includes(event.key)) take(found[at])
    else if (STEPS[event.key]) setPlace({ typed, at: (at + STEPS[event.key] + found.length) % found.length })
    else return false
    return true
  }
  useImperativeHandle(keys, () => takesKey)
  useActive(onActive, found.length > 0 ? listId : undefined, found.length > 0 ? idOf(at) : undefined)
  if (found.length === 0) return null
  return (
    <ul role="listbox" id={listId} className="lora-suggestions" aria-label={t('loras.suggestions')}>
      {found.map((lora, index) => (
        // The field has the focus and the keys, see takesKey.
        // eslint-disable-next-line jsx-a11y/click-events-have-key-events
        <li
          key={lora.name}
          id={idOf(index)}
          role="option"
          aria-selected={index === at}
          // The field would lose the focus.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => take(lora)}
        >
          <span>{lora.name}</span>
          {titleOf(lora) !== lora.name && <span className="muted">{titleOf(lora)}</span>}
        </li>
      ))}
    </ul>
  )
}
