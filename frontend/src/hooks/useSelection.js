import { useCallback, useMemo, useState } from 'react'

import { NOTHING, select, selectAll } from '../lib/selection.js'

/** Which pictures are chosen, of those in sight and of those that were before: other pages keep theirs. */
export function useSelection(images) {
  const [selection, setSelection] = useState(NOTHING)
  const toggle = useCallback((image, options) => setSelection((now) => select(now, images, image, options)), [images])
  const clear = useCallback(() => setSelection(NOTHING), [])
  const all = useCallback(() => setSelection((now) => selectAll(now, images)), [images])
  const chosen = useMemo(() => [...selection.chosen.values()], [selection])
  return { chosen, has: (id) => selection.chosen.has(id), toggle, clear, all }
}
