import { useEffect } from 'react'

/** Keys that are typed into a field, a select or a slider mean something there. */
function isTyping(target) {
  return target instanceof Element && target.closest('input, textarea, select, [contenteditable]') !== null
}

/** True while a dialog has the word: its keys are its own. */
function dialogIsOpen() {
  return document.querySelector('.modal.show') !== null
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
 * Plain characters are left to the field that has the focus. `inDialog` says on which side of an open dialog the
 * keys belong.
 */
export function useHotkeys(keys, { inDialog = false } = {}) {
  useEffect(() => {
    const onKeyDown = (event) => {
      const name = nameOf(event)
      const handler = Object.hasOwn(keys, name) ? keys[name] : undefined
      if (!handler || event.isComposing || event.repeat || event.defaultPrevented) return
      if (dialogIsOpen() !== inDialog) return
      if (isTyping(event.target) && !['Mod+Enter', 'Escape'].includes(name)) return
      event.preventDefault()
      handler()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [keys, inDialog])
}
