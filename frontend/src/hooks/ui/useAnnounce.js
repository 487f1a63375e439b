import { createContext, useContext } from 'react'

/** Speaks a sentence through the page's one status region. */
export const AnnounceContext = createContext(() => {})

export function useAnnounce() {
  return useContext(AnnounceContext)
}
