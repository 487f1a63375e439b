import { useCallback, useMemo, useSyncExternalStore } from 'react'

import { onShared, restoreText, shareStored, storedText } from '../../lib/storage.js'

/**
 * usePersistentState for what is shown in several places: a change in one is seen in all, in those of other tabs too.
 *
 * `restore` must be the same function at every call.
 */
export function useStored(key, initial, restore) {
  const text = useSyncExternalStore(onShared, () => storedText(key))
  const value = useMemo(() => restoreText(text, restore, initial), [text, restore, initial])
  const set = useCallback((next) => shareStored(key, next), [key])
  return [value, set]
}
