import { useCallback, useEffect, useRef } from 'react'

const KEPT = 50

function isSame(one, other) {
  return Object.keys(other).every((key) => Object.is(one[key], other[key]))
}

/**
 * Replaces the form's values as a whole, and takes that back.
 *
 * `replace` answers a function that takes it back, or null where nothing changed. `undo` takes the newest one back and
 * answers whether it did: a prompt that was written on since has steps of its own to undo before. `onReplaced` is told
 * the values that had to go.
 */
export function useFormStates(settings, setSettings, onReplaced) {
  const latest = useRef(settings)
  const states = useRef([])
  useEffect(() => {
    latest.current = settings
  }, [settings])
  const show = useCallback(
    (values) => {
      latest.current = values
      setSettings(values)
    },
    [setSettings],
  )
  const takeBack = useCallback(
    (state) => {
      const index = states.current.indexOf(state)
      if (index < 0) return
      states.current = states.current.slice(0, index)
      show(state.before)
    },
    [show],
  )
  const replace = useCallback(
    (patch) => {
      const before = latest.current
      const after = { ...before, ...patch }
      if (isSame(before, after)) return null
      const state = { before, after }
      states.current = [...states.current, state].slice(-KEPT)
      show(after)
      onReplaced(before, after)
      return () => takeBack(state)
    },
    [show, takeBack, onReplaced],
  )
  const undo = useCallback(() => {
    const state = states.current.at(-1)
    if (!state || latest.current.prompt !== state.after.prompt) return false
    takeBack(state)
    return true
  }, [takeBack])
  return { replace, undo }
}
