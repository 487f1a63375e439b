import { useCallback, useSyncExternalStore } from 'react'

const CHANGED = 'zimage:page'

function subscribe(onChange) {
  window.addEventListener('popstate', onChange)
  window.addEventListener(CHANGED, onChange)
  return () => {
    window.removeEventListener('popstate', onChange)
    window.removeEventListener(CHANGED, onChange)
  }
}

function readPage() {
  const text = new URLSearchParams(window.location.search).get('page') ?? ''
  return /^[1-9]\d{0,6}$/.test(text) ? Number(text) : 1
}

/** The gallery's page, kept in the address (`?page=2`), so that Back and a shared link work. */
export function usePageParam() {
  const page = useSyncExternalStore(subscribe, readPage)
  const setPage = useCallback((next) => {
    const url = new URL(window.location.href)
    if (next === 1) url.searchParams.delete('page')
    else url.searchParams.set('page', String(next))
    window.history.pushState(null, '', url)
    window.dispatchEvent(new Event(CHANGED))
  }, [])
  return [page, setPage]
}
