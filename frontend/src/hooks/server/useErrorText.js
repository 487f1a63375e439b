import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

/** Sentences in the reader's language: for an ApiError, for each of its fields, and for a failed task. */
export function useErrorText() {
  const { t, i18n } = useTranslation()
  const english = i18n.language === 'en'
  const errorText = useCallback(
    (error) => {
      // The server speaks English and knows more than we do; its sentence is used where it can be read.
      if (english && error.status > 0 && error.message && error.code !== 'bad_response') return error.message
      return t([`errors.${error.code}`, `taskErrors.${error.code}`, 'errors.unknown'])
    },
    [t, english],
  )
  const fieldErrorText = useCallback(
    ({ field, message }) => (english ? message : t(`fieldErrors.${field}`, { defaultValue: message })),
    [t, english],
  )
  const taskErrorText = useCallback(
    ({ error, error_code: code, message }) =>
      (english && (error || message)) || t(`taskErrors.${code}`, { defaultValue: error || message }),
    [t, english],
  )
  return { errorText, fieldErrorText, taskErrorText }
}
