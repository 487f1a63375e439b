import { useEffect, useSyncExternalStore } from 'react'

import { afterPaint } from '../../lib/afterPaint.js'
import { useStored } from './useStored.js'

export const THEMES = ['auto', 'light', 'dark']
const DARK_QUERY = '(prefers-color-scheme: dark)'

const restoreTheme = (stored) => (THEMES.includes(stored) ? stored : 'auto')

function subscribe(onChange) {
  const query = window.matchMedia(DARK_QUERY)
  query.addEventListener('change', onChange)
  return () => query.removeEventListener('change', onChange)
}

/** The chosen theme (auto, light, dark), kept and applied to the page. Mirrored by public/theme.js. */
export function useTheme() {
  const [theme, setTheme] = useStored('zimage.theme', 'auto', restoreTheme)
  const systemDark = useSyncExternalStore(subscribe, () => window.matchMedia(DARK_QUERY).matches)
  const resolved = theme === 'auto' ? (systemDark ? 'dark' : 'light') : theme
  useEffect(() => afterPaint(() => document.documentElement.setAttribute('data-bs-theme', resolved)), [resolved])
  return { theme, setTheme }
}
