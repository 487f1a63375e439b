import { useTranslation } from 'react-i18next'

import { useErrorText } from '../../hooks/server/useErrorText.js'
import Notice from './Notice.jsx'

/**
 * The faces of a query that are not data: pending and error.
 *
 * With data at hand the children are shown, even while a refresh fails: old news beats none.
 */
export default function QueryFaces({ query, pending, children }) {
  const { t } = useTranslation()
  const { errorText } = useErrorText()
  if (query.data !== undefined) return children(query.data)
  if (query.isError) {
    return (
      <Notice tone="danger" title={t('panel.loadFailed')} action={{ label: t('common.retry'), onClick: query.refetch }}>
        {errorText(query.error)}
      </Notice>
    )
  }
  return <div aria-busy="true">{pending ?? <p className="muted">{t('common.loading')}</p>}</div>
}
