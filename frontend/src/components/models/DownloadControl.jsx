import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useDownload } from '../../hooks/server/useDownload.js'
import { useErrorText } from '../../hooks/server/useErrorText.js'
import { formatGb, toGb } from '../../lib/format.js'
import Icon from '../ui/Icon.jsx'
import DownloadProgress from './DownloadProgress.jsx'

/** Refusals whose reason, with its figures, only the server knows. */
const REASONED = [409, 507]

function useButtonText({ download, missing_bytes: missing, size_bytes: size }) {
  const { t } = useTranslation()
  if (download.state === 'failed') return t('common.retry')
  if (download.done_bytes > 0 && missing < size) return t('models.resume', { done: formatGb(toGb(download.done_bytes)) })
  return t('models.downloadSize', { size: formatGb(toGb(size)) })
}

/** `reason` is in the server's words, which are English. */
function Failure({ children, reason }) {
  return (
    <p className="field-error" role="alert">
      {children} {reason && <span lang="en">{reason}</span>}
    </p>
  )
}

/** Loads a variant down, says how far it is, and stops it. `describedBy` is the id of what hinders it. */
export default function DownloadControl({ variant, name, disabled, describedBy }) {
  const { t } = useTranslation()
  const { errorText } = useErrorText()
  const { start, stop, isPending, error } = useDownload(variant.id)
  const buttonText = useButtonText(variant)
  const { download } = variant
  return (
    <>
      {download.state === 'failed' && <Failure reason={download.message}>{t('models.failed')}</Failure>}
      {download.state === 'running' ? (
        <DownloadProgress name={name} download={download} disabled={isPending} onStop={() => stop()} />
      ) : (
        <Button
          variant="outline-secondary"
          size="sm"
          disabled={isPending || disabled}
          aria-label={t('models.named', { action: buttonText, name })}
          aria-describedby={describedBy}
          onClick={() => start()}
        >
          <Icon name="download" size={16} /> {buttonText}
        </Button>
      )}
      {error && REASONED.includes(error.status) && <Failure reason={error.message}>{t('models.refused')}</Failure>}
      {error && !REASONED.includes(error.status) && <Failure>{errorText(error)}</Failure>}
    </>
  )
}
