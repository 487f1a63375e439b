import { useEffect, useRef, useState } from 'react'
import Button from 'react-bootstrap/Button'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useErrorText } from '../../hooks/server/useErrorText.js'
import { useLogIn } from '../../hooks/server/useSession.js'
import { formatEta } from '../../lib/format.js'
import Field from '../ui/Field.jsx'
import './LoginPage.css'

function useRefusal(error) {
  const { t } = useTranslation()
  const { errorText } = useErrorText()
  if (!error) return undefined
  if (error.status === 401) return t('login.wrong')
  if (error.status === 429) return t('login.tooMany', { time: formatEta(error.retryAfterS ?? 60) })
  return errorText(error)
}

/** Asks for the token of a server that lets in none without; `ended` for one that has let in this page before. */
export default function LoginPage({ ended = false }) {
  const { t } = useTranslation()
  const [token, setToken] = useState('')
  const inputRef = useRef(null)
  const { mutate, error, isPending } = useLogIn()
  const refusal = useRefusal(error)
  useEffect(() => inputRef.current?.focus(), [error])
  const submit = (event) => {
    event.preventDefault()
    if (token.trim() && !isPending) mutate(token.trim())
  }
  return (
    <form className="panel login" aria-labelledby="login-title" onSubmit={submit}>
      <h2 id="login-title">{t('login.title')}</h2>
      <p className="muted">{t(ended ? 'login.ended' : 'login.text')}</p>
      <Field label={t('login.token')} error={refusal}>
        {(control) => (
          <Form.Control
            {...control}
            ref={inputRef}
            type="password"
            autoComplete="current-password"
            value={token}
            isInvalid={Boolean(refusal)}
            onChange={(event) => setToken(event.target.value)}
          />
        )}
      </Field>
      <Button type="submit" disabled={isPending || !token.trim()}>
        {isPending ? t('form.submitting') : t('login.submit')}
      </Button>
    </form>
  )
}
