import { useCallback, useEffect, useMemo, useRef, useState } from 'react'

import { NOTHING, select, selectAll } from '../../lib/images/selection.js'

/** Which pictures are chosen, of those in sight and of those that were before: other pages keep theirs. */
export function useSelection(images) {
  const [selection, setSelection] = useState(NOTHING)
  // Read when something is chosen: a `toggle` of its own for each list would draw all cards anew.
  const shown = useRef(images)
  useEffect(() => {
    shown.current = images
  }, [images])
  const toggle = useCallback((image, options) => setSelection((now) => select(now, shown.current, image, options)), [])
  const clear = useCallback(() => setSelection(NOTHING), [])
  const all = useCallback(() => setSelection((now) => selectAll(now, shown.current)), [])
  const chosen = useMemo(() => [...selection.chosen.values()], [selection])
  return { chosen, has: (id) => selection.chosen.has(id), toggle, clear, all }
}
