import { useTranslation } from 'react-i18next'

import { useConnection } from '../../hooks/server/useConnection.js'
import Notice from '../ui/Notice.jsx'

/** Says when the server does not answer, and goes away by itself. */
export default function ConnectionBanner() {
  const { t } = useTranslation()
  const { offline } = useConnection()
  if (!offline) return null
  return (
    <Notice tone="warning" role="alert">
      {t('connection.lost')}
    </Notice>
  )
}
