import { useCallback, useState } from 'react'

import { readStored, writeStored } from '../../lib/storage.js'

const identity = (value) => value

/** useState that a reload keeps. `restore` makes a usable value of whatever was stored. */
export function usePersistentState(key, initial, restore = identity) {
  const [value, setValue] = useState(() => readStored(key, restore, initial))
  const set = useCallback(
    (next) =>
      setValue((current) => {
        const resolved = typeof next === 'function' ? next(current) : next
        writeStored(key, resolved)
        return resolved
      }),
    [key],
  )
  return [value, set]
}
