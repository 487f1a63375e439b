import { useEffect } from 'react'

/** Keys that are typed into a field, a select or a slider mean something there. */
function isTyping(target) {
  return target instanceof Element && target.closest('input, textarea, select, [contenteditable]') !== null
}

/** Fields that close something of their own by Esc, and those that hold no text. */
const OWN_ESCAPE = 'select, [type=date]'
const TEXTLESS = '[type=range], [type=checkbox], [type=radio]'

/** Esc in a field that makes something of it. */
const keepsEscape = (target) => isTyping(target) && target.matches(OWN_ESCAPE)

/** Where Esc means what runs, if nothing else: the page itself and the form, but no text that was written there. */
const AT_REST = 'body, #result, #form, #form *'
/** So long after something could be closed, or after the Esc before, another Esc still means that. */
const QUIET_MS = 1000

/** Esc as the last resort. */
function isLastResort(target) {
  const holdsText = isTyping(target) && !target.matches(TEXTLESS) && Boolean(target.value)
  return isQuiet && !holdsText && target.matches(AT_REST)
}

/** True while a dialog has the word: its keys are its own. */
let dialogHasWord = false
let isQuiet = true
let busyAt = -Infinity

/** Noted before anybody hears the key or the click: a dialog that it closes had the word. */
function note({ key }) {
  dialogHasWord = document.querySelector('.modal.show') !== null
  const now = performance.now()
  const canClose = dialogHasWord || document.querySelector('.dropdown-menu.show') !== null
  isQuiet = !canClose && now - busyAt >= QUIET_MS
  if (canClose || key === 'Escape') busyAt = now
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
 * belong; `last` that Esc means this only where it means nothing else: with the focus on the page itself or in the form,
 * but not in a written text, and not within a second after something was closed or Esc was pressed.
 */
export function useHotkeys(keys, { inDialog = false, last = false } = {}) {
  useEffect(() => {
    const place = last ? window : document // What bubbles comes to the window at the very end.
    const onKeyDown = (event) => {
      const name = nameOf(event)
      const handler = Object.hasOwn(keys, name) ? keys[name] : undefined
      if (!handler || event.isComposing || event.repeat || event.defaultPrevented) return
      if (dialogHasWord !== inDialog) return
      if (last && !isLastResort(event.target)) return
      if (name === 'Escape' ? keepsEscape(event.target) : name !== 'Mod+Enter' && isTyping(event.target)) return
      event.preventDefault()
      handler()
    }
    for (const type of ['keydown', 'click']) window.addEventListener(type, note, true) // Once, however many ask for it.
    place.addEventListener('keydown', onKeyDown)
    return () => place.removeEventListener('keydown', onKeyDown)
  }, [keys, inDialog, last])
}
