import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { formatGb, toGb } from '../../lib/format.js'

/** How much of a model has come, and the way to stop. What has come is kept. */
export default function DownloadProgress({ name, download, disabled, onStop }) {
  const { t } = useTranslation()
  const { done_bytes: done, total_bytes: total } = download
  const percent = total > 0 ? Math.floor((100 * done) / total) : null
  const text =
    percent === null
      ? t('models.starting')
      : t('models.progress', { done: formatGb(toGb(done)), total: formatGb(toGb(total)), percent })
  return (
    <div className="model-download">
      <progress
        max={100}
        value={percent ?? undefined}
        aria-label={t('models.progressOf', { name })}
        aria-valuetext={text}
      />
      <span className="muted">{text}</span>
      <Button variant="outline-secondary" size="sm" disabled={disabled} aria-label={t('models.stop', { name })} onClick={onStop}>
        {t('common.cancel')}
      </Button>
    </div>
  )
}
