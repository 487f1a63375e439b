import { useCallback, useState } from 'react'
import { flushSync } from 'react-dom'

import { finishTag, openTag } from '../../lib/loras/tag.js'

/**
 * The `<lora:…` that is being written in a text field: `{tag, look, take, close, leave}`.
 *
 * `look` is for whatever moves the caret; `take` finishes the tag with a LoRA; `close` wants no list until another tag
 * begins, `leave` until the field is looked at again.
 */
export function useOpenTag(field, onChange) {
  const [tag, setTag] = useState(null)
  const [closed, setClosed] = useState(null)
  const look = useCallback(() => {
    const { value, selectionStart, selectionEnd } = field.current
    const found = selectionStart === selectionEnd ? openTag(value, selectionStart) : null
    setTag((now) => (now?.from === found?.from && now?.typed === found?.typed ? now : found))
    if (!found) setClosed(null)
  }, [field])
  const take = useCallback(
    (lora) => {
      const { value, selectionStart } = field.current
      const { text, caret } = finishTag(value, selectionStart, lora)
      flushSync(() => onChange(text))
      field.current.focus()
      field.current.setSelectionRange(caret, caret)
      setTag(null)
    },
    [field, onChange],
  )
  const close = useCallback(() => setClosed(tag?.from ?? null), [tag])
  const leave = useCallback(() => setTag(null), [])
  return { tag: tag && tag.from !== closed ? tag : null, look, take, close, leave }
}
