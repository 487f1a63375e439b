import { useCallback, useEffect, useRef } from 'react'

import { typingStep } from '../../lib/generate/typing.js'

const KEPT = 200

/** The values of `patch` that are others in `values`, in both: null where there are none. */
function stepOf(values, patch) {
  const keys = Object.keys(patch).filter((key) => !Object.is(values[key], patch[key]))
  if (keys.length === 0) return null
  const pick = (from) => Object.fromEntries(keys.map((key) => [key, from[key]]))
  return { before: pick(values), after: pick(patch) }
}

/**
 * The form's values as a row of steps, which are taken back one by one and made again.
 *
 * `replace` makes one step of many values, and answers a function that takes it back with all that came after it, or
 * null where nothing changed; `onReplaced` is told the values that had to go. `write` makes steps of what is typed into
 * the prompt. `undo` and `redo` answer whether there was a step.
 */
export function useFormStates(settings, setSettings, onReplaced) {
  const latest = useRef(settings)
  const steps = useRef({ done: [], undone: [] })
  useEffect(() => {
    latest.current = settings
  }, [settings])
  const show = useCallback(
    (patch) => {
      latest.current = { ...latest.current, ...patch }
      setSettings(latest.current)
    },
    [setSettings],
  )
  const add = useCallback(
    (done, step) => {
      steps.current = { done: [...done, step].slice(-KEPT), undone: [] }
      show(step.after)
    },
    [show],
  )
  const undo = useCallback(() => {
    const { done, undone } = steps.current
    const step = done.at(-1)
    if (!step) return false
    steps.current = { done: done.slice(0, -1), undone: [...undone, step] }
    show(step.before)
    return true
  }, [show])
  const redo = useCallback(() => {
    const { done, undone } = steps.current
    const step = undone.at(-1)
    if (!step) return false
    steps.current = { done: [...done, step], undone: undone.slice(0, -1) }
    show(step.after)
    return true
  }, [show])
  const replace = useCallback(
    (patch) => {
      const step = stepOf(latest.current, patch)
      if (!step) return null
      const before = latest.current
      add(steps.current.done, step)
      onReplaced(before, latest.current)
      return () => {
        while (steps.current.done.includes(step)) undo()
      }
    },
    [add, undo, onReplaced],
  )
  const write = useCallback(
    (prompt, composition) => {
      const { done } = steps.current
      const { prompt: before } = latest.current
      if (prompt === before) return
      const last = done.at(-1)
      const typed = typingStep(last?.typed, before, prompt, { at: Date.now(), composition })
      const isSame = typed.before !== before
      add(isSame ? done.slice(0, -1) : done, { before: { prompt: typed.before }, after: { prompt }, typed })
    },
    [add],
  )
  return { replace, write, undo, redo }
}
