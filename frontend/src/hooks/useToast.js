import { createContext, useContext } from 'react'

/** Shows a passing sentence: `show({text, action?: {label, onClick}})`. */
export const ToastContext = createContext(() => {})

export function useToast() {
  return useContext(ToastContext)
}
