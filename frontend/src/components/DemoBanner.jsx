import { useTranslation } from 'react-i18next'

import { useModels } from '../hooks/useModels.js'
import { usePersistentState } from '../hooks/usePersistentState.js'
import Notice from './Notice.jsx'

/** Says honestly that only the demo model is there, and what it can do. */
export default function DemoBanner() {
  const { t } = useTranslation()
  const { data } = useModels()
  const [dismissed, setDismissed] = usePersistentState('zimage.demo-dismissed', false, (value) => value === true)
  const installed = data?.models.filter((model) => model.installed) ?? []
  const onlyDemo = installed.length > 0 && installed.every((model) => model.demo)
  if (!onlyDemo || dismissed) return null
  return (
    <Notice title={`${t('demo.title')}.`} onDismiss={() => setDismissed(true)} dismissLabel={t('common.dismiss')}>
      {t('demo.text')}
    </Notice>
  )
}
