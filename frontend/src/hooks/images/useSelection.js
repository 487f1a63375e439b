import { useCallback, useMemo, useRef, useState } from 'react'

import { NOTHING, select, selectAll } from '../../lib/images/selection.js'

/**
 * Which pictures are chosen, of those in sight and of those that were before: other pages keep theirs.
 *
 * `see` is told those in sight, which are looked up when something is chosen: a `toggle` of its own for each list would
 * draw all cards anew.
 */
export function useSelection() {
  const [selection, setSelection] = useState(NOTHING)
  const shown = useRef([])
  const see = useCallback((images) => void (shown.current = images), [])
  const toggle = useCallback((image, options) => setSelection((now) => select(now, shown.current, image, options)), [])
  const clear = useCallback(() => setSelection(NOTHING), [])
  const all = useCallback(() => setSelection((now) => selectAll(now, shown.current)), [])
  const add = useCallback((images) => setSelection((now) => selectAll(now, images)), [])
  const chosen = useMemo(() => [...selection.chosen.values()], [selection])
  return { chosen, has: (id) => selection.chosen.has(id), see, toggle, clear, all, add }
}
