import { createContext, useContext } from 'react'

/**
 * Shows a passing sentence: `show({text, action?: {label, onClick}, undo?})`; Ctrl+Z does what the newest `undo` does.
 *
 * Or, instead of the text, `group: {name, items, say}`: what is said of one name becomes one sentence, `say(count)`, and
 * `undo(items)` can be had by Ctrl+Z long after that has passed.
 */
export const ToastContext = createContext(() => {})

export function useToast() {
  return useContext(ToastContext)
}
