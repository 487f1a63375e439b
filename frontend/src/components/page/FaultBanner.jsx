import { useTranslation } from 'react-i18next'

import { useSystemStatus } from '../../hooks/server/useSystemStatus.js'
import Notice from '../ui/Notice.jsx'

/** Says that a device does not work, and what helps; stays as long as it is so. */
export default function FaultBanner() {
  const { t } = useTranslation()
  const fault = useSystemStatus().data?.fault
  if (!fault) return null
  return (
    <Notice tone={fault.code === 'device_failed' ? 'warning' : 'danger'} role="alert">
      {t(`fault.${fault.code}`, { defaultValue: fault.message })}
    </Notice>
  )
}
