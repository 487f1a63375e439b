import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { EDIT_FIELDS } from '../../lib/generate/edit.js'
import { MAX_PROMPTS } from '../../lib/generate/expand.js'
import { DEFAULT_SETTINGS, validateSettings } from '../../lib/generate/settings.js'
import { useErrorText } from '../server/useErrorText.js'
import { useFold } from '../kept/useFold.js'

function validateAll(settings, prompts) {
  if (prompts.length > MAX_PROMPTS) return { ...validateSettings(settings), prompt: 'errors.promptTooMany' }
  const meant = prompts.length > 0 ? prompts : ['']
  return Object.assign({}, ...meant.map((prompt) => validateSettings({ ...settings, prompt })))
}

/** The field of the form that shows what the server says of one of its fields; undefined where none does. */
function shownAt(field) {
  const [name] = field.split('.')
  return name in DEFAULT_SETTINGS || EDIT_FIELDS.includes(name) ? name : undefined
}

/**
 * The form's errors, our own and the server's, and the focus on the first of them.
 *
 * Errors are kept as keys or server fields, not as text, so that they follow a change of language.
 */
export function useFormErrors() {
  const { t } = useTranslation()
  const { errorText, fieldErrorText } = useErrorText()
  const [errors, setErrors] = useState({ fields: {}, general: null })
  const formRef = useRef(null)
  const { unfold } = useFold() // What was refused must be seen.

  useEffect(() => {
    formRef.current?.querySelector('[aria-invalid="true"]')?.focus()
  }, [errors])

  /** Answers whether the settings may be sent, for all the prompts that the written one stands for. */
  const check = useCallback((settings, prompts) => {
    const found = validateAll(settings, prompts)
    const fields = Object.fromEntries(Object.entries(found).map(([field, key]) => [field, { key }]))
    const isValid = Object.keys(found).length === 0
    if (!isValid) unfold()
    setErrors({ fields, general: null })
    return isValid
  }, [unfold])

  const showServerError = useCallback((error) => {
    const known = (error.fields ?? []).map((entry) => ({ ...entry, field: shownAt(entry.field) })).filter(({ field }) => field)
    const fields = Object.fromEntries(known.map((entry) => [entry.field, { server: entry }]))
    unfold()
    setErrors({ fields, general: known.length ? null : error })
  }, [unfold])

  const clear = useCallback((changed) => {
    setErrors((current) => {
      const gone = changed.includes('edit') ? [...changed, ...EDIT_FIELDS] : changed
      if (!current.general && !gone.some((field) => field in current.fields)) return current
      const fields = Object.fromEntries(Object.entries(current.fields).filter(([field]) => !gone.includes(field)))
      return { fields, general: null }
    })
  }, [])

  const texts = useMemo(() => {
    const textOf = ({ key, server }) => (key ? t(key) : fieldErrorText(server))
    return Object.fromEntries(Object.entries(errors.fields).map(([field, error]) => [field, textOf(error)]))
  }, [errors.fields, t, fieldErrorText])
  const { accepted } = errors.general ?? {}
  const general = [errors.general && errorText(errors.general), accepted > 0 && t('form.accepted', { count: accepted })]
  return { formRef, texts, general: general.filter(Boolean).join(' '), check, showServerError, clear }
}
