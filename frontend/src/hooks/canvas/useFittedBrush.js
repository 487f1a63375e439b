import { useEffect, useRef } from 'react'

import { fittedSize } from '../../lib/canvas/settings.js'

/** Begins with a brush that is of use on a picture of this size, once: the last picture may have been another one. */
export function useFittedBrush(size, brush, change) {
  const begun = useRef({ size, brush })
  useEffect(() => {
    const { size: picture, brush: kept } = begun.current
    const fitted = fittedSize(kept, picture)
    if (fitted !== kept) change({ size: fitted })
  }, [change])
}
