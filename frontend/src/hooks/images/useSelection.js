import { useCallback, useMemo, useState } from 'react'

import { NOTHING, select, selectAll } from '../../lib/images/selection.js'

/**
 * Which pictures are chosen, of those in sight and of those that were before: other pages keep theirs.
 *
 * `shown` refers to those in sight, and is read when something is chosen: a `toggle` of its own for each list would draw
 * all cards anew.
 */
export function useSelection(shown) {
  const [selection, setSelection] = useState(NOTHING)
  const toggle = useCallback((image, options) => setSelection((now) => select(now, shown.current, image, options)), [shown])
  const clear = useCallback(() => setSelection(NOTHING), [])
  const all = useCallback(() => setSelection((now) => selectAll(now, shown.current)), [shown])
  const add = useCallback((images) => setSelection((now) => selectAll(now, images)), [])
  const chosen = useMemo(() => [...selection.chosen.values()], [selection])
  return { chosen, has: (id) => selection.chosen.has(id), toggle, clear, all, add }
}
