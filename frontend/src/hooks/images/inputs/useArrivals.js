import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { useErrorText } from '../../server/useErrorText.js'
import { useAnnounce } from '../../ui/useAnnounce.js'
import { useToast } from '../../ui/useToast.js'

/** The settings that pictures arrive at. */
export const ARRIVAL_FIELDS = ['edit', 'control', 'references']

/** The names of the pictures that are on their way to one of the settings, of which there may be several. */
export const namesOf = (arriving, field) => arriving.filter((one) => one.field === field).flatMap(({ names }) => names)

/** Takes arrivals of a setting off the way; answers whether there were any. */
function take(way, field) {
  const left = way.current.filter((one) => one.field !== field)
  const hadAny = left.length < way.current.length
  way.current = left
  return hadAny
}

/**
 * The pictures that are on their way to the form, `arriving: [{field, names}]`, and what waits for them.
 *
 * `bring` runs what fetches some, a function of `{isWanted, fail}`; `isAlone` says that one takes the place of those that
 * came before it, others come one after the other. `stop` gives up those of some fields. `wait` promises, once all are
 * here and the form shows them, `{fields}`, the settings that were waited for, or `{reason}`, why one did not come; it
 * answers null where none is on its way.
 * `waiting` is how many wait; `turn` is another one after each arrival at what is drawn from.
 */
export function useArrivals() {
  const { t } = useTranslation()
  const toast = useToast()
  const announce = useAnnounce()
  const { errorText } = useErrorText()
  const [arriving, setArriving] = useState([])
  const [waiting, setWaiting] = useState(0)
  const [turn, setTurn] = useState(0)
  const way = useRef([]) // As `arriving`, but at once.
  const waiters = useRef([])
  const tails = useRef({})

  /** Says why a picture does not come: to those that wait for it, or in passing where none do. */
  const fail = useCallback(
    (reason) => {
      if (waiters.current.length === 0) toast({ text: reason })
      for (const waiter of waiters.current) waiter.reason ??= reason
    },
    [toast],
  )
  const bring = useCallback(
    async (field, names, work, { isAlone = false } = {}) => {
      const arrival = { field, names }
      const isWanted = () => way.current.includes(arrival)
      if (isAlone) take(way, field)
      way.current = [...way.current, arrival]
      setArriving(way.current)
      const before = isAlone ? undefined : tails.current[field]
      const run = async () => {
        await before
        try {
          if (isWanted()) await work({ isWanted, fail: (reason) => isWanted() && fail(reason) })
        } catch (error) {
          if (isWanted()) fail(errorText(error))
        }
        if (!isWanted()) return
        way.current = way.current.filter((one) => one !== arrival)
        setArriving(way.current)
        if (field === 'edit') setTurn((now) => now + 1)
      }
      tails.current[field] = run()
      await tails.current[field]
    },
    [errorText, fail],
  )
  const stop = useCallback(
    (...fields) => {
      const stopped = fields.filter((field) => take(way, field))
      if (stopped.length === 0) return
      for (const waiter of waiters.current) waiter.reason ??= t('form.pictureStopped')
      setArriving(way.current)
    },
    [t],
  )
  const wait = useCallback(() => {
    const fields = [...new Set(way.current.map(({ field }) => field))]
    if (fields.length === 0) return null
    return new Promise((answer) => {
      waiters.current.push({ fields, answer })
      setWaiting(waiters.current.length)
      announce(t('form.waiting', { count: waiters.current.length }))
    })
  }, [announce, t])

  // An effect: by then what has arrived is in the form.
  useEffect(() => {
    if (way.current.length > 0) return
    const answered = waiters.current
    waiters.current = []
    for (const { fields, reason, answer } of answered) answer(reason ? { reason } : { fields })
    if (answered.length > 0) setWaiting(0)
  }, [arriving])

  return useMemo(() => ({ arriving, waiting, turn, bring, stop, wait }), [arriving, waiting, turn, bring, stop, wait])
}
