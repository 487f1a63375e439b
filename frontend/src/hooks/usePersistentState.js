import { useCallback, useState } from 'react'

function read(key, restore, initial) {
  try {
    const text = window.localStorage.getItem(key)
    return text === null ? initial : restore(JSON.parse(text))
  } catch {
    return initial // Storage is blocked, or holds something foreign.
  }
}

function write(key, value) {
  try {
    window.localStorage.setItem(key, JSON.stringify(value))
  } catch {
    // Full or blocked storage costs the memory of this value, nothing else.
  }
}

const identity = (value) => value

/** useState that a reload keeps. `restore` makes a usable value of whatever was stored. */
export function usePersistentState(key, initial, restore = identity) {
  const [value, setValue] = useState(() => read(key, restore, initial))
  const set = useCallback(
    (next) =>
      setValue((current) => {
        const resolved = typeof next === 'function' ? next(current) : next
        write(key, resolved)
        return resolved
      }),
    [key],
  )
  return [value, set]
}
