import { useTranslation } from 'react-i18next'

import { useModels } from '../../hooks/server/useModels.js'
import { open } from '../../hooks/ui/useOpened.js'
import { usePersistentState } from '../../hooks/kept/usePersistentState.js'
import { useRemembered } from '../../hooks/kept/useRemembered.js'
import Notice from '../ui/Notice.jsx'

/** Takes its room, unseen and out of reach. */
const PLACE_KEPT = { visibility: 'hidden' }
const isTrue = (value) => value === true

/** Whether only the demo model is there; undefined while nobody knows. */
function useOnlyDemo() {
  const { data } = useModels()
  const installed = data?.models.filter((model) => model.installed)
  return installed && installed.length > 0 && installed.every((model) => model.demo)
}

/**
 * Says honestly that only the demo model is there, what it can do, and where to get more.
 *
 * Until the server has told, its place is kept if it was needed the last time: the page must not jump.
 */
export default function DemoBanner() {
  const { t } = useTranslation()
  const onlyDemo = useOnlyDemo()
  const expected = useRemembered('zimage.only-demo', onlyDemo, true)
  const [dismissed, setDismissed] = usePersistentState('zimage.demo-dismissed', false, isTrue)
  if (dismissed || !expected) return null
  return (
    <div style={onlyDemo ? undefined : PLACE_KEPT}>
      <Notice
        title={`${t('demo.title')}.`}
        action={{ label: t('demo.action'), onClick: () => open({ dialog: 'models' }) }}
        onDismiss={() => setDismissed(true)}
        dismissLabel={t('common.dismiss')}
      >
        {t('demo.text')}
      </Notice>
    </div>
  )
}
