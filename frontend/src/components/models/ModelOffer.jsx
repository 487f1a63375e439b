import { useId } from 'react'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useDownload } from '../../hooks/server/useDownload.js'
import { useErrorText } from '../../hooks/server/useErrorText.js'
import { fitOf, OBSTACLES } from '../../lib/images/fit.js'
import { formatGb, toGb } from '../../lib/format.js'
import DownloadProgress from './DownloadProgress.jsx'
import Icon from '../ui/Icon.jsx'

const CONFLICT = 409

function useButtonText({ download, download_gb: size }) {
  const { t } = useTranslation()
  if (download?.state === 'failed') return t('common.retry')
  if (download?.done_bytes > 0) return t('models.resume', { done: formatGb(toGb(download.done_bytes)) })
  return size === null ? t('models.download') : t('models.downloadSize', { size: formatGb(size) })
}

/** `reason` is in the server's words, which are English. */
function Failure({ children, reason }) {
  return (
    <p className="field-error" role="alert">
      {children} {reason && <span lang="en">{reason}</span>}
    </p>
  )
}

/** How to get a model: its size, what this machine can make of it, and the button that loads it down. */
export default function ModelOffer({ model, system }) {
  const { t } = useTranslation()
  const { errorText } = useErrorText()
  const { start, stop, isPending, error } = useDownload(model.id)
  const buttonText = useButtonText(model)
  const fitId = useId()
  const { download, repository } = model
  if (!repository) return null
  const fit = system && fitOf(model, system)
  return (
    <div className="model-offer">
      {fit && <p id={fitId}>{t(`models.fit.${fit}`)}</p>}
      {download?.state === 'failed' && <Failure reason={download.message}>{t('models.failed')}</Failure>}
      {download?.state === 'running' ? (
        <DownloadProgress name={model.name} download={download} disabled={isPending} onStop={() => stop()} />
      ) : (
        <Button
          variant="outline-secondary"
          size="sm"
          disabled={isPending || OBSTACLES.includes(fit)}
          aria-label={t('models.named', { action: buttonText, name: model.name })}
          aria-describedby={fit ? fitId : undefined}
          onClick={() => start()}
        >
          <Icon name="download" size={16} /> {buttonText}
        </Button>
      )}
      {error?.status === CONFLICT && <Failure reason={error.message}>{t('models.refused')}</Failure>}
      {error && error.status !== CONFLICT && <Failure>{errorText(error)}</Failure>}
    </div>
  )
}
