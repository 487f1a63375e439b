import { useCallback, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { useLatest } from '../ui/useLatest.js'

/** As many results are at hand beside the canvas; all are in the gallery. */
const MOST = 6

/**
 * Pictures that are drawn from within the canvas, and what has come of them.
 *
 * `generation` is `{prompt, notice, onPrompt, onNotice, start, use}`: `start()` sends what was painted, once `settle()` has told it, and
 * promises the tasks' ids, undefined where they were refused, as the `notice` says; `use(image)` draws from a result from now
 * on. Answers the `tasks` (`{id, version}`, newest first: the document's version that was sent), the result that is `shown`
 * over the canvas, and what can be done.
 */
export function useMaking({ generation, doc, settle, say }) {
  const { t } = useTranslation()
  const [tasks, setTasks] = useState([])
  const [shown, show] = useState(null)
  const [isSending, setSending] = useState(false)
  const isBusy = useRef(false)
  const start = useLatest(async () => {
    if (!generation || isBusy.current) return
    isBusy.current = true
    setSending(true)
    try {
      doc.end()
      const { version } = doc.getState()
      await settle()
      const ids = await generation.start()
      if (!ids) return
      setTasks((now) => [...ids.map((id) => ({ id, version })).toReversed(), ...now].slice(0, MOST))
      show(null)
      say(t('canvas.saidGenerate'))
    } finally {
      isBusy.current = false
      setSending(false)
    }
  })
  /** A result is shown at once, unless somebody went on painting: then it waits at the side. */
  const ready = useCallback(
    (image, version) => {
      say(t('canvas.saidReady'))
      if (doc.getState().version === version && !doc.isBusy) show(image)
    },
    [doc, say, t],
  )
  const drop = useCallback((id) => setTasks((now) => now.filter((task) => task.id !== id)), [])
  const hide = useCallback(() => show(null), [])
  const run = useCallback(() => start.current(), [start])
  return useMemo(
    () => ({ tasks, shown, isSending, start: run, ready, drop, show, hide }),
    [tasks, shown, isSending, run, ready, drop, hide],
  )
}
