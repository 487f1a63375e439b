import { useEffect, useSyncExternalStore } from 'react'

import { afterPaint } from '../../lib/afterPaint.js'
import { usePersistentState } from './usePersistentState.js'

export const THEMES = ['auto', 'light', 'dark']
const DARK_QUERY = '(prefers-color-scheme: dark)'

function subscribe(onChange) {
  const query = window.matchMedia(DARK_QUERY)
  query.addEventListener('change', onChange)
  return () => query.removeEventListener('change', onChange)
}

/** The chosen theme (auto, light, dark), kept and applied to the page. Mirrored by public/theme.js. */
export function useTheme() {
  const [theme, setTheme] = usePersistentState('zimage.theme', 'auto', (t) => (THEMES.includes(t) ? t : 'auto'))
  const systemDark = useSyncExternalStore(subscribe, () => window.matchMedia(DARK_QUERY).matches)
  const resolved = theme === 'auto' ? (systemDark ? 'dark' : 'light') : theme
  useEffect(() => afterPaint(() => document.documentElement.setAttribute('data-bs-theme', resolved)), [resolved])
  return { theme, setTheme }
}
