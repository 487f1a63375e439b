import { useSyncExternalStore } from 'react'

/** What is used by fingers. Some phones say that they can hover, none that its fingers are fine. */
const TOUCH_QUERY = '(hover: none), (pointer: coarse)'

function subscribe(onChange) {
  const query = window.matchMedia(TOUCH_QUERY)
  query.addEventListener('change', onChange)
  return () => query.removeEventListener('change', onChange)
}

/** Whether keys are at hand, so that shortcuts are worth their room. */
export function useHasKeyboard() {
  return !useSyncExternalStore(subscribe, () => window.matchMedia(TOUCH_QUERY).matches)
}
