import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { passFocus } from '../../lib/passFocus.js'
import { canRetry } from '../../lib/tasks.js'
import Icon from '../ui/Icon.jsx'

function TaskButton({ icon, label, disabled, onClick }) {
  return (
    <button type="button" className="icon-button" aria-label={label} title={label} disabled={disabled} onClick={onClick}>
      <Icon name={icon} size={16} />
    </button>
  )
}

/** A waiting task's way to another place in the queue. `last` is the place of the last one. */
function MoveButtons({ task, last, prompt, onMove }) {
  const { t } = useTranslation()
  const position = task.queue_position
  if (task.status !== 'pending' || position === null || last === 0) return null
  return (
    <>
      <TaskButton
        icon="first"
        label={t('task.moveFirst', { prompt })}
        disabled={position === 0}
        onClick={() => onMove({ position: 0 })}
      />
      <TaskButton
        icon="up"
        label={t('task.moveUp', { prompt })}
        disabled={position === 0}
        onClick={() => onMove({ by: -1 })}
      />
      <TaskButton
        icon="down"
        label={t('task.moveDown', { prompt })}
        disabled={position >= last}
        onClick={() => onMove({ by: 1 })}
      />
    </>
  )
}

/** Whether some of its pictures are there and some are not: the server draws those alone. */
const hasRest = ({ images = [], num_images: count }) => images.length > 0 && images.length < count

/** A handler that passes the focus on before its button goes. */
function passing(act, options) {
  return ({ currentTarget }) => {
    passFocus(currentTarget, options)
    act()
  }
}

/**
 * Move and cancel while it waits or runs; retry and dismiss when it has ended; its settings at any time. A button that
 * goes with what it does passes its focus on.
 */
export default function TaskActions({ task, prompt, ended, cancelling, last, isAlone, onMove, onReuse, onCancel, onRetry, onForget }) {
  const { t } = useTranslation()
  const reuse = task?.request && (
    <TaskButton icon="reuse" label={t('task.useSettings', { prompt })} onClick={() => onReuse(task.request)} />
  )
  if (!ended) {
    return (
      <>
        {reuse}
        {task && <MoveButtons task={task} last={last} prompt={prompt} onMove={onMove} />}
        <Button
          variant="outline-secondary"
          size="sm"
          disabled={cancelling || !task}
          aria-label={t('task.cancelTask', { prompt })}
          data-act="cancel"
          onClick={passing(onCancel)}
        >
          {cancelling ? t('task.cancelling') : t('task.cancel')}
        </Button>
      </>
    )
  }
  return (
    <>
      {reuse}
      {canRetry(task) && (
        <Button variant="outline-secondary" size="sm" onClick={passing(onRetry)}>
          {t(hasRest(task) ? 'task.drawRest' : 'task.retry')}
        </Button>
      )}
      <button
        type="button"
        className="icon-button"
        aria-label={t('task.dismissTask', { prompt })}
        title={t('common.dismiss')}
        data-act="dismiss"
        onClick={passing(onForget, { isLast: isAlone })}
      >
        <Icon name="close" size={16} />
      </button>
    </>
  )
}
