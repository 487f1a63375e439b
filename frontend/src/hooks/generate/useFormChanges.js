import { useCallback } from 'react'

import { DEFAULT_SETTINGS } from '../../lib/generate/settings.js'

/**
 * The ways to change the form's values, each of which ends what was said against them: `change`, `changePrompt`,
 * `replace`, `replaceAndSay` and `reset`. `form` is what useSettings answers, `clear` that of useFormErrors.
 */
export function useFormChanges({ change: onChange, write, replace: onReplace, replaceAloud, reset: onReset }, clear) {
  const change = useCallback(
    (patch) => {
      onChange(patch)
      clear(Object.keys(patch))
    },
    [onChange, clear],
  )
  const changePrompt = useCallback(
    (prompt, composition) => {
      write(prompt, composition)
      clear(['prompt'])
    },
    [write, clear],
  )
  const replace = useCallback(
    (patch) => {
      clear(Object.keys(patch))
      return onReplace(patch)
    },
    [onReplace, clear],
  )
  const replaceAndSay = useCallback(
    (patch, text) => {
      clear(Object.keys(patch))
      replaceAloud(patch, text)
    },
    [replaceAloud, clear],
  )
  const reset = useCallback(() => {
    onReset()
    clear(Object.keys(DEFAULT_SETTINGS))
  }, [onReset, clear])
  return { change, changePrompt, replace, replaceAndSay, reset }
}
