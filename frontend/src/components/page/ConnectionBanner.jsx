import { useTranslation } from 'react-i18next'

import { useConnection } from '../../hooks/server/useConnection.js'
import Notice from '../ui/Notice.jsx'

/** Says since when the server does not answer, and what becomes of what was pressed; goes away by itself. */
export default function ConnectionBanner() {
  const { t, i18n } = useTranslation()
  const { offline, heardAt, unanswered } = useConnection()
  if (!offline) return null
  const time = new Date(heardAt).toLocaleTimeString(i18n.language)
  return (
    <Notice tone="warning" role="alert">
      {heardAt > 0 ? t('connection.lostSince', { time }) : t('connection.lost')}
      {unanswered > 0 && ` ${t('connection.unanswered', { count: unanswered })}`}
    </Notice>
  )
}
