import { createContext, useContext } from 'react'

/** Shows a passing sentence: `show({text, action?: {label, onClick}, undo?})`; Ctrl+Z does what the newest `undo` does. */
export const ToastContext = createContext(() => {})

export function useToast() {
  return useContext(ToastContext)
}
