import { useCallback, useEffect, useRef, useState } from 'react'

import { CanvasDocument } from '../../lib/canvas/document.js'
import { featherAfter } from '../../lib/canvas/outpaint.js'
import { DEFAULT_OPTIONS, editOf, keepEdit, readKept, valuesOf } from '../../lib/canvas/value.js'

/** After a change nobody waits longer for it to be kept, and told. */
const SETTLE_MS = 300

async function open(image, value) {
  const edit = value ? await editOf(value, image) : await readKept(image)
  const { feather, maskMode } = edit ?? DEFAULT_OPTIONS
  const doc = new CanvasDocument(image, edit ?? undefined)
  return { doc, options: { feather, maskMode }, valueWith: valuesOf(doc, value), isNews: !value && edit !== null }
}

/**
 * Runs `work` once things have been quiet: `isBusy()` says that they are not.
 *
 * Answers `later()`, and `now()`, which does it at once if it is due, and promises that it is done.
 */
function useSettled(work, isBusy) {
  const timer = useRef(null)
  const underWay = useRef(undefined)
  const latest = useRef({ work, isBusy })
  useEffect(() => {
    latest.current = { work, isBusy }
  })
  const now = useCallback(() => {
    if (timer.current === null) return underWay.current
    clearTimeout(timer.current)
    timer.current = null
    underWay.current = latest.current.work()
    return underWay.current
  }, [])
  const later = useCallback(() => {
    const wait = () => {
      clearTimeout(timer.current)
      timer.current = setTimeout(() => (latest.current.isBusy() ? wait() : now()), SETTLE_MS)
    }
    wait()
  }, [now])
  return { later, now }
}

/** Lets a soft edge that nobody chose follow what is done: what grows fades farther into the picture. */
function useFollowingFeather(doc, setEdit) {
  useEffect(() => {
    if (!doc) return undefined
    let before = doc.outpaint
    return doc.subscribe(() => {
      const { isGrowing, outpaint } = doc.getState()
      if (isGrowing || outpaint === before) return
      const was = before
      before = outpaint
      setEdit((present) => {
        const feather = featherAfter(present.options.feather, was, outpaint, doc.size)
        return { ...present, options: { ...present.options, feather } }
      })
    })
  }, [doc, setEdit])
}

/**
 * What is painted on a picture: as `value` has it, else as it was left the last time. Both are taken once.
 *
 * Answers the `doc` (null while it is being read), its `options` and `setOptions`, an `error`, and `settle()`, after
 * which all is kept and `onChange` has been told. Both happen by themselves a moment after each change.
 */
export function useCanvasEdit({ image, value, onChange }) {
  const [edit, setEdit] = useState(null)
  const [error, setError] = useState(null)
  const given = useRef({ image, value })
  const round = useRef(0)

  useEffect(() => {
    let isWanted = true
    open(given.current.image, given.current.value).then(
      (opened) => isWanted && setEdit(opened),
      (reason) => isWanted && setError(reason),
    )
    return () => {
      isWanted = false
    }
  }, [])

  const tell = useCallback(async () => {
    if (!edit) return
    round.current += 1
    const mine = round.current
    const { doc, options, valueWith } = edit
    const kept = keepEdit(given.current.image, { mask: doc.mask, sketch: doc.sketch, outpaint: doc.outpaint, ...options })
    const next = await valueWith(options)
    await kept
    if (mine === round.current) onChange?.(next) // A later one is under way.
  }, [edit, onChange])

  const doc = edit?.doc ?? null
  useFollowingFeather(doc, setEdit)
  const { later, now } = useSettled(tell, () => doc?.isBusy ?? false)
  const isNews = edit?.isNews ?? false
  useEffect(() => {
    if (isNews) later() // What was kept here is not known there.
    return doc?.subscribe(later)
  }, [doc, isNews, later])
  useEffect(() => {
    const leave = () => now()
    window.addEventListener('pagehide', leave)
    document.addEventListener('visibilitychange', leave)
    return () => {
      window.removeEventListener('pagehide', leave)
      document.removeEventListener('visibilitychange', leave)
      leave()
    }
  }, [now])

  const setOptions = useCallback(
    (patch) => {
      setEdit((present) => ({ ...present, options: { ...present.options, ...patch } }))
      later()
    },
    [later],
  )
  const settle = useCallback(async () => {
    doc?.end()
    await now()
  }, [doc, now])
  return { doc, options: edit?.options ?? DEFAULT_OPTIONS, setOptions, settle, error }
}
