import { useCallback } from 'react'

import { DEFAULT_PREFERENCES, restorePreferences } from '../../lib/preferences.js'
import { useStored } from './useStored.js'

/** What this person has chosen about the page, and a way to change some of it. */
export function usePreferences() {
  const [preferences, set] = useStored('zimage.preferences', DEFAULT_PREFERENCES, restorePreferences)
  const change = useCallback((patch) => set({ ...preferences, ...patch }), [preferences, set])
  return [preferences, change]
}
