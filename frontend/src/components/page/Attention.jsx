import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { usePreferences } from '../../hooks/kept/usePreferences.js'
import { playChime } from '../../lib/attention/chime.js'
import { ringUrl, showIcon } from '../../lib/attention/icon.js'
import { showNotice } from '../../lib/attention/notice.js'

const NAME = 'Z-Image'
/** Who waits less than this has not gone elsewhere. */
const LONG_MS = 10_000

/** How far the tab's work is, of this browser's tasks or, where it has none, of anybody's; null while nothing runs. */
function percentOf(tasks) {
  const running = tasks.filter(({ listed }) => listed?.status === 'processing')
  const task = (running.find(({ own }) => own) ?? running[0])?.listed
  return task ? Math.round(task.progress) : null
}

/** True from the end of this browser's last task in a hidden tab until the tab is looked at. `onEnd` hears how long they took. */
function useUnseenEnd(tasks, onEnd) {
  const isBusy = tasks.some(({ own, listed }) => own && listed)
  const [{ wasBusy, unseen }, setState] = useState({ wasBusy: isBusy, unseen: false })
  if (isBusy !== wasBusy) setState({ wasBusy: isBusy, unseen: wasBusy && document.hidden })
  const work = useRef(null)
  const last = tasks.findLast(({ own, listed }) => own && listed)?.listed.request?.prompt
  useEffect(() => {
    if (isBusy) {
      work.current = { since: work.current?.since ?? Date.now(), prompt: last }
    } else if (work.current) {
      if (document.hidden) onEnd(Date.now() - work.current.since, work.current.prompt)
      work.current = null
    }
  }, [isBusy, last, onEnd])
  useEffect(() => {
    const look = () => document.hidden || setState((now) => ({ ...now, unseen: false }))
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [])
  return unseen
}

/** Tells those who look elsewhere, by the tab's title and icon, and by a notification and a sound where they are wanted. */
export default function Attention({ tasks }) {
  const { t } = useTranslation()
  const [{ notify, sound }] = usePreferences()
  const percent = percentOf(tasks)
  const onEnd = (tookMs, prompt) => {
    if (tookMs < LONG_MS) return
    if (notify) showNotice(`✓ ${t('task.completed')} · ${NAME}`, prompt)
    if (sound) playChime()
  }
  const unseen = useUnseenEnd(tasks, onEnd)
  useEffect(() => {
    document.title = percent !== null ? `${percent} % · ${NAME}` : unseen ? `✓ ${NAME}` : NAME
    return () => (document.title = NAME)
  }, [percent, unseen])
  useEffect(() => (percent === null ? undefined : showIcon(ringUrl(percent))), [percent])
  return null
}
