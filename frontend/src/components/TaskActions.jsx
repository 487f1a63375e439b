import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { canRetry } from '../lib/tasks.js'
import Icon from './Icon.jsx'

/** Cancel while it runs; retry and dismiss when it has ended. */
export default function TaskActions({ task, prompt, ended, cancelling, onCancel, onRetry, onForget }) {
  const { t } = useTranslation()
  if (!ended) {
    return (
      <Button
        variant="outline-secondary"
        size="sm"
        disabled={cancelling || !task}
        aria-label={t('task.cancelTask', { prompt })}
        onClick={onCancel}
      >
        {cancelling ? t('task.cancelling') : t('task.cancel')}
      </Button>
    )
  }
  return (
    <>
      {canRetry(task) && (
        <Button variant="outline-secondary" size="sm" onClick={onRetry}>
          {t('task.retry')}
        </Button>
      )}
      <button
        type="button"
        className="icon-button"
        aria-label={t('task.dismissTask', { prompt })}
        title={t('common.dismiss')}
        onClick={onForget}
      >
        <Icon name="close" size={16} />
      </button>
    </>
  )
}
