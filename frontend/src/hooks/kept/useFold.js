import { useCallback } from 'react'
import { flushSync } from 'react-dom'

import { useStored } from './useStored.js'

/** Where the form is no column of its own. Mirrors App.css. */
export const ONE_COLUMN = '(max-width: 899.98px)'

/** Whether the form's column is folded away, so that the gallery has its width. */
export function useFold() {
  const [folded, setFolded] = useStored('zimage.folded', false, Boolean)
  const toggle = useCallback(() => {
    if (!window.matchMedia(ONE_COLUMN).matches) setFolded(!folded)
  }, [folded, setFolded])
  /** At once: what is focused next must be there. */
  const unfold = useCallback(() => folded && flushSync(() => setFolded(false)), [folded, setFolded])
  return { folded, toggle, unfold }
}
