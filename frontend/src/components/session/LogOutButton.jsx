import { useTranslation } from 'react-i18next'

import { useErrorText } from '../../hooks/server/useErrorText.js'
import { useLogOut, useSession } from '../../hooks/server/useSession.js'
import { useToast } from '../../hooks/ui/useToast.js'
import Icon from '../ui/Icon.jsx'

/** The way out, for whoever has come in with a token. */
export default function LogOutButton() {
  const { t } = useTranslation()
  const toast = useToast()
  const { errorText } = useErrorText()
  const { name } = useSession()
  const { mutate } = useLogOut()
  if (name === null) return null
  const text = t('login.out', { name })
  const logOut = () => mutate(undefined, { onError: (error) => toast({ text: errorText(error) }) })
  return (
    <button type="button" aria-label={text} title={text} onClick={logOut}>
      <Icon name="exit" size={16} />
    </button>
  )
}
