import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { EDIT_FIELDS } from '../../lib/generate/edit.js'
import { MAX_PROMPTS } from '../../lib/generate/expand.js'
import { DEFAULT_SETTINGS, validateSettings } from '../../lib/generate/settings.js'
import { useErrorText } from '../server/useErrorText.js'
import { useFold } from '../kept/useFold.js'

/** `seen` are the values that the errors were said of, null until they are drawn; `turn` counts the answers. */
const NONE = Object.freeze({ fields: {}, general: null, sent: null, unsent: null, seen: null, turn: 0 })
/** Where else than at its field an error may come from. */
const CAUSES = { width: ['edit'], height: ['edit'], loras: ['prompt'], negative_prompt: ['guidance_scale'] }
/** What the server refuses for one model, another may take; and a picture that is drawn from changes what it reads. */
const CAUSES_OF_SERVER = ['model', 'edit']

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

function isChanged(field, { server }, before, now) {
  const own = EDIT_FIELDS.includes(field) ? 'edit' : field
  const causes = [own, ...(CAUSES[field] ?? []), ...(server ? CAUSES_OF_SERVER : [])]
  return causes.some((key) => !Object.is(before[key], now[key]))
}

/** The errors that may still be true of the settings: those whose causes are as they were. */
function stillTrue(errors, settings) {
  const entries = Object.entries(errors.fields)
  const isGeneral = Boolean(errors.general || errors.sent || errors.unsent)
  if (entries.length === 0 && !isGeneral) return errors
  if (!errors.seen) return { ...errors, seen: settings }
  const kept = entries.filter(([field, error]) => !isChanged(field, error, errors.seen, settings))
  const isSame = Object.keys(DEFAULT_SETTINGS).every((key) => Object.is(errors.seen[key], settings[key]))
  if (kept.length === entries.length && (isSame || !isGeneral)) return errors
  return { ...errors, fields: Object.fromEntries(kept), ...(!isSame && { general: null, sent: null, unsent: null }) }
}

/**
 * The form's errors, our own and the server's, and the focus on the first of them. Each goes as soon as what it may come
 * from is another one, whoever has changed it: a hand, a picture's settings or a preset.
 *
 * Errors are kept as keys or server fields, not as text, so that they follow a change of language.
 */
export function useFormErrors(settings) {
  const { t } = useTranslation()
  const { errorText, fieldErrorText } = useErrorText()
  const [kept, setErrors] = useState(NONE)
  const errors = stillTrue(kept, settings)
  if (errors !== kept) setErrors(errors)
  const formRef = useRef(null)
  const { unfold } = useFold() // What was refused must be seen.

  useEffect(() => {
    formRef.current?.querySelector('[aria-invalid="true"]')?.focus()
  }, [errors.turn])

  const say = useCallback((next) => setErrors(({ turn }) => ({ ...NONE, ...next, turn: turn + 1 })), [])

  /** Answers whether the settings may be sent, for all the prompts that the written one stands for. */
  const check = useCallback(
    (checked, prompts) => {
      const found = Object.entries(validateAll(checked, prompts))
      if (found.length > 0) unfold()
      say({ fields: Object.fromEntries(found.map(([field, key]) => [field, { key }])) })
      return found.length === 0
    },
    [unfold, say],
  )

  /** `left` is how many requests wait in the prompt after those that were accepted. */
  const showServerError = useCallback(
    (error, left = 0) => {
      const known = (error.fields ?? []).map((entry) => ({ ...entry, field: shownAt(entry.field) })).filter(({ field }) => field)
      const fields = Object.fromEntries(known.map((entry) => [entry.field, { server: entry }]))
      unfold()
      say({ fields, general: known.length ? null : error, sent: error.accepted > 0 ? { accepted: error.accepted, left } : null })
    },
    [unfold, say],
  )

  /** Says that nothing was sent, and why, in words. */
  const showUnsent = useCallback((reason) => say({ unsent: reason }), [say])

  const texts = useMemo(() => {
    const textOf = ({ key, server }) => (key ? t(key) : fieldErrorText(server))
    return Object.fromEntries(Object.entries(errors.fields).map(([field, error]) => [field, textOf(error)]))
  }, [errors.fields, t, fieldErrorText])
  const { accepted = 0, left = 0 } = errors.sent ?? {}
  const general = [
    errors.general && errorText(errors.general),
    errors.unsent && t('form.unsent', { reason: errors.unsent }),
    accepted > 0 && t('form.accepted', { count: accepted }),
    left > 0 && t('form.left', { count: left }),
  ]
  return { formRef, texts, general: general.filter(Boolean).join(' '), check, showServerError, showUnsent }
}
