import { useEffect } from 'react'

import { readStored, writeStored } from '../../lib/storage.js'

/** What is known now, or while it is undefined, what was known when the page was here last; `initial` on a first visit. */
export function useRemembered(key, known, initial) {
  useEffect(() => {
    if (known !== undefined) writeStored(key, known)
  }, [key, known])
  return known ?? readStored(key, (stored) => stored, initial)
}
