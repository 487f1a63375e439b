import { useCallback, useState } from 'react'

import { readOfTab, readStored, writeOfTab, writeStored } from '../../lib/storage.js'

const identity = (value) => value

/**
 * useState that a reload keeps. `restore` makes a usable value of whatever was stored.
 *
 * With `ofTab` each tab keeps its own: a new one begins with what was written last in any.
 */
export function usePersistentState(key, initial, restore = identity, { ofTab = false } = {}) {
  const [value, setValue] = useState(() => (ofTab ? readOfTab : readStored)(key, restore, initial))
  const set = useCallback(
    (next) =>
      setValue((current) => {
        const resolved = typeof next === 'function' ? next(current) : next
        writeStored(key, resolved)
        if (ofTab) writeOfTab(key, resolved)
        return resolved
      }),
    [key, ofTab],
  )
  return [value, set]
}
