import { useQueryClient } from '@tanstack/react-query'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useCancelWaiting } from '../../hooks/tasks/useCancelWaiting.js'
import { passFocus } from '../../lib/passFocus.js'

/** Cancels all of one's own that wait; what runs goes on. */
function CancelWaiting({ count, onTrack, onForget }) {
  const { t } = useTranslation()
  const cancel = useCancelWaiting({ onTrack, onForget })
  const cancelAll = ({ currentTarget }) => {
    passFocus(currentTarget)
    cancel.mutate()
  }
  return (
    <Button variant="link" size="sm" disabled={cancel.isPending} onClick={cancelAll}>
      {t('task.cancelWaiting', { count })}
    </Button>
  )
}

/** Dismisses all that ended. Known from the cache: a card that waits for its status stays. */
function DismissEnded({ ended, isAlone, onForget }) {
  const { t } = useTranslation()
  const queryClient = useQueryClient()
  const dismiss = ({ currentTarget }) => {
    passFocus(currentTarget, { isLast: isAlone })
    for (const { id } of ended) {
      onForget(id)
      queryClient.removeQueries({ queryKey: ['task', id] })
    }
  }
  return (
    <Button variant="link" size="sm" onClick={dismiss}>
      {t('task.clear')}
    </Button>
  )
}

/** What can be done to many tasks at once. One alone has its own buttons. */
export default function QueueButtons({ queue, ended, onTrack, onForget }) {
  const waiting = queue.filter(({ listed }) => listed.status === 'pending')
  return (
    <div className="queue-buttons">
      {waiting.length > 1 && <CancelWaiting count={waiting.length} onTrack={onTrack} onForget={onForget} />}
      {ended.length > 1 && <DismissEnded ended={ended} isAlone={queue.length === 0} onForget={onForget} />}
    </div>
  )
}
