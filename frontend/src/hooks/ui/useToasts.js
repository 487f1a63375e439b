import { useCallback, useMemo, useRef, useState } from 'react'

import { lastStep, SILENCE, takenBack, withoutStep, withoutToast, withToast } from '../../lib/toasts.js'
import { useAnnounce } from './useAnnounce.js'

/**
 * The passing sentences that are in sight, and what is done with them: `{toasts, show, remove, undo, undoLast}`.
 *
 * `undo(id)` takes back all that a toast tells of, `undoLast()` the last step, whether it is still told of or not.
 */
export function useToasts() {
  const announce = useAnnounce()
  const [{ toasts }, setNow] = useState(SILENCE)
  const latest = useRef(SILENCE)
  const nextId = useRef(0)
  const acts = useMemo(() => {
    const become = (next) => {
      latest.current = next
      setNow(next)
    }
    return {
      remove: (id) => become(withoutToast(latest.current, id)),
      undo: (id) => {
        const { rest, undo } = takenBack(latest.current, id)
        become(rest)
        undo()
      },
      undoLast: (options) => {
        const step = lastStep(latest.current, options)
        if (!step) return
        become(withoutStep(latest.current, step))
        step.undo(step.items)
      },
      add: (said) => {
        nextId.current += 1
        become(withToast(latest.current, nextId.current, said))
        return latest.current.toasts.at(-1).text
      },
    }
  }, [])
  const show = useCallback((said) => announce(acts.add(said)), [announce, acts])
  return { toasts, show, ...acts }
}
