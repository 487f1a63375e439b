import { useSyncExternalStore } from 'react'

const CHANGED = 'zimage:address'

function subscribe(onChange) {
  window.addEventListener('popstate', onChange)
  window.addEventListener(CHANGED, onChange)
  return () => {
    window.removeEventListener('popstate', onChange)
    window.removeEventListener(CHANGED, onChange)
  }
}

/** The query of the page's address, as it changes. */
export function useSearch() {
  return useSyncExternalStore(subscribe, () => window.location.search)
}

/**
 * Gives the address another query: `write` makes it of the present one.
 *
 * It is a step of the browser's history that carries `state`; with `replace` it takes the place of the present step.
 */
export function changeSearch(write, { replace = false, state = null } = {}) {
  const url = new URL(window.location.href)
  url.search = write(url.search)
  if (replace) window.history.replaceState(window.history.state, '', url)
  else window.history.pushState(state, '', url)
  window.dispatchEvent(new Event(CHANGED))
}
