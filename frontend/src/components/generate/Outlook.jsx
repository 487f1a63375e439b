import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { formatEta, formatGb, toGb } from '../../lib/format.js'
import Notice from '../ui/Notice.jsx'

const inGb = (bytes) => formatGb(toGb(bytes))

/** Memory that runs out first: the device's, or the main memory. */
function memoryOf({ device_bytes: bytes, device_total_bytes: total, host_bytes: host, host_total_bytes: hostTotal }) {
  const isHost = host / hostTotal > bytes / total
  return isHost ? [host, hostTotal] : [bytes, total]
}

/** What the settings will take: number of tasks, memory, seconds; and what fits instead where they do not. */
export default function Outlook({ estimate, seconds, tasks, onSize }) {
  const { t } = useTranslation()
  const [used, total] = estimate ? memoryOf(estimate).map(inGb) : []
  const facts = [
    tasks > 1 && t('form.tasks', { count: tasks }),
    estimate && t('form.memory', { used, total }),
    tasks !== null && seconds !== null && t('form.estimate', { time: formatEta(seconds) }),
  ].filter(Boolean)
  const offer = estimate?.offer
  return (
    <>
      <p className="form-facts">{facts.join(' · ')}</p>
      {estimate && !estimate.fits && (
        <Notice tone="danger">
          {t('form.tooLarge', { used, total })}{' '}
          {offer && (
            <Button variant="link" size="sm" onClick={() => onSize({ width: offer.width, height: offer.height })}>
              {t('form.takeSize', offer)}
            </Button>
          )}
        </Notice>
      )}
    </>
  )
}
