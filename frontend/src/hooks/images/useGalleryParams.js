import { useCallback, useMemo, useSyncExternalStore } from 'react'

import { changeGallery, parseGallery, writeGallery } from '../../lib/images/gallery.js'

const CHANGED = 'zimage:gallery'

function subscribe(onChange) {
  window.addEventListener('popstate', onChange)
  window.addEventListener(CHANGED, onChange)
  return () => {
    window.removeEventListener('popstate', onChange)
    window.removeEventListener(CHANGED, onChange)
  }
}

/**
 * The gallery's page and filters, kept in the address (`?page=2&q=fox`), so that Back and a shared link work.
 *
 * A turned page is a step of the browser's history; what is typed into a filter replaces the present one.
 */
export function useGalleryParams() {
  const search = useSyncExternalStore(subscribe, () => window.location.search)
  const gallery = useMemo(() => parseGallery(search), [search])
  const change = useCallback((patch) => {
    const url = new URL(window.location.href)
    url.search = writeGallery(url.search, changeGallery(parseGallery(url.search), patch))
    if ('q' in patch) window.history.replaceState(null, '', url)
    else window.history.pushState(null, '', url)
    window.dispatchEvent(new Event(CHANGED))
  }, [])
  return [gallery, change]
}
