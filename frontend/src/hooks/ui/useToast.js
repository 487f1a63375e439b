import { createContext, useContext } from 'react'

/** Shows a passing sentence: `show({text, action?: {label, onClick, undoes?}})`; Ctrl+Z takes one that `undoes`. */
export const ToastContext = createContext(() => {})

export function useToast() {
  return useContext(ToastContext)
}
