import { useEffect } from 'react'

/** Keys that are typed into a field, a select or a slider mean something there. */
function isTyping(target) {
  return target instanceof Element && target.closest('input, textarea, select, [contenteditable]') !== null
}

/** Fields that close something of their own by Esc, and those that hold no text. */
const OWN_ESCAPE = 'select, [type=date]'
const TEXTLESS = '[type=range], [type=checkbox], [type=radio]'

/** Esc in a field that makes something of it; as the `last` resort, in any that holds a text. */
function keepsEscape(target, last) {
  if (!isTyping(target)) return false
  return target.matches(OWN_ESCAPE) || (last && !target.matches(TEXTLESS) && Boolean(target.value))
}

/** True while a dialog has the word: its keys are its own. */
let dialogHasWord = false
/** Noted before anybody hears the key: a dialog that it closes had the word. */
function noteDialog() {
  dialogHasWord = document.querySelector('.modal.show') !== null
}

/** The name of a keystroke: `Mod+Enter`, `?`, `Escape`. Mod is Ctrl, or ⌘ on a Mac. */
function nameOf({ key, ctrlKey, metaKey, altKey }) {
  const name = key.length === 1 ? key.toLowerCase() : key
  if (altKey) return `Alt+${name}`
  return ctrlKey || metaKey ? `Mod+${name}` : name
}

/**
 * Calls back on keystrokes anywhere on the page: `keys` maps their names to handlers.
 *
 * Plain characters are left to the field that has the focus. `inDialog` says on which side of an open dialog the keys
 * belong; `last` that they mean this only where they mean nothing else: Esc in a written text does not, either.
 */
export function useHotkeys(keys, { inDialog = false, last = false } = {}) {
  useEffect(() => {
    const place = last ? window : document // What bubbles comes to the window at the very end.
    const onKeyDown = (event) => {
      const name = nameOf(event)
      const handler = Object.hasOwn(keys, name) ? keys[name] : undefined
      if (!handler || event.isComposing || event.repeat || event.defaultPrevented) return
      if (dialogHasWord !== inDialog) return
      if (name === 'Escape' ? keepsEscape(event.target, last) : name !== 'Mod+Enter' && isTyping(event.target)) return
      event.preventDefault()
      handler()
    }
    window.addEventListener('keydown', noteDialog, true) // Once, however many ask for it.
    place.addEventListener('keydown', onKeyDown)
    return () => place.removeEventListener('keydown', onKeyDown)
  }, [keys, inDialog, last])
}
