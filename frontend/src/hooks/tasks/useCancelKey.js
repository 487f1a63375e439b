import { useTranslation } from 'react-i18next'

import { useAttempt } from '../images/useAttempt.js'
import { useHotkeys } from '../input/useHotkeys.js'
import { useToast } from '../ui/useToast.js'
import { useRunAgain } from './useRunAgain.js'
import { useCancelTask } from './useTask.js'

/** Lets Esc stop a task where it means nothing else (see useHotkeys), and offers to run it again. */
export function useCancelKey(taskId, { onTrack, onForget }) {
  const { t } = useTranslation()
  const toast = useToast()
  const attempt = useAttempt()
  const { mutateAsync: cancel } = useCancelTask()
  const runAgain = useRunAgain({ onTrack, onForget })
  const stop = () =>
    attempt(async () => {
      await cancel(taskId)
      toast({ text: t('task.stopped'), action: { label: t('task.retry'), onClick: () => runAgain([taskId]) } })
    })
  useHotkeys({ Escape: stop }, { last: true })
}
