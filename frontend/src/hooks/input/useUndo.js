import { useEffect } from 'react'
import { flushSync } from 'react-dom'

import { differenceOf } from '../../lib/generate/typing.js'

const MENU = { historyUndo: 'undo', historyRedo: 'redo' }

function wishOf({ key, ctrlKey, metaKey, shiftKey, altKey }) {
  if (altKey || !(ctrlKey || metaKey)) return undefined
  const letter = key.toLowerCase()
  if (letter === 'z') return shiftKey ? 'redo' : 'undo'
  return letter === 'y' && !shiftKey ? 'redo' : undefined
}

/**
 * Lets the keys and the menu of a text field take back the steps of `undo` and `redo`, which answer whether there was
 * one, instead of the browser's: it forgets its own when the text is replaced. The caret goes to what has changed.
 */
export function useUndo(ref, { undo, redo }) {
  useEffect(() => {
    const field = ref.current
    const steps = { undo, redo }
    const follow = (event, wish) => {
      if (!wish || event.isComposing) return
      event.preventDefault()
      const before = field.value
      flushSync(steps[wish])
      const caret = differenceOf(before, field.value).afterEnd
      if (field.value !== before) field.setSelectionRange(caret, caret)
    }
    const onKeyDown = (event) => follow(event, wishOf(event))
    const onBeforeInput = (event) => follow(event, MENU[event.inputType])
    field.addEventListener('keydown', onKeyDown)
    field.addEventListener('beforeinput', onBeforeInput)
    return () => {
      field.removeEventListener('keydown', onKeyDown)
      field.removeEventListener('beforeinput', onBeforeInput)
    }
  }, [ref, undo, redo])
}
