import { useCallback } from 'react'

import { restoreLibrary, withList, withoutPreset, withPreset } from '../../lib/generate/library.js'
import { usePersistentState } from '../kept/usePersistentState.js'

/** Saved presets, and the lists that `__name__` in a prompt stands for; kept in this browser. */
export function useLibrary() {
  const [library, setLibrary] = usePersistentState('zimage.library', restoreLibrary(null), restoreLibrary)
  const savePreset = useCallback((name, settings) => setLibrary((now) => withPreset(now, name, settings)), [setLibrary])
  const dropPreset = useCallback((name) => setLibrary((now) => withoutPreset(now, name)), [setLibrary])
  const saveList = useCallback((name, entries) => setLibrary((now) => withList(now, name, entries)), [setLibrary])
  return { ...library, savePreset, dropPreset, saveList }
}
