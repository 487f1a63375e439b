import { useMemo } from 'react'

import { parseOpened, writeOpened } from '../../lib/opened.js'
import { changeSearch, useSearch } from './useAddress.js'

/** Marks a step of the browser's history that opening made: the step before it is the page without what is open. */
const OPENING = { opening: true }

/** Opens a picture, a comparison or a dialog: one step of the browser's history, so that Back closes it. */
export function open(opened) {
  const { search } = window.location
  if (writeOpened(search, opened) === writeOpened(search, parseOpened(search))) return // The second of two clicks.
  changeSearch((present) => writeOpened(present, opened), { state: OPENING })
}

/** Shows another one in the place of what is open, without a step of its own; nothing where it was closed meanwhile. */
export function openInstead(opened) {
  if (Object.keys(parseOpened(window.location.search)).length === 0) return
  changeSearch((search) => writeOpened(search, opened), { replace: true })
}

/** The browser goes back in its own time: who closes twice meanwhile must not leave the page. */
let isGoingBack = false

/** Closes what is open: goes back to the page that opened it, or takes it off the address of a link that was followed. */
export function close() {
  if (isGoingBack) return
  if (!window.history.state?.opening) {
    openInstead({})
    return
  }
  isGoingBack = true
  window.addEventListener('popstate', () => (isGoingBack = false), { once: true })
  window.history.back()
}

/** Closes a dialog, if it is still the one that is open: the browser's Back may have closed it meanwhile. */
export function closeDialog(name) {
  if (parseOpened(window.location.search).dialog === name) close()
}

/** What the address says is open; see parseOpened. */
export function useOpened() {
  const search = useSearch()
  return useMemo(() => parseOpened(search), [search])
}
