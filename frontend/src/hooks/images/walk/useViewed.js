import { useState } from 'react'

import { useOpened } from '../../ui/useOpened.js'

/**
 * The id of the picture that is looked at.
 *
 * Opening and closing may wait for a moment: `deferredId` is the address's picture as it was a while ago. A step to the
 * neighbour may not: the next one starts from it. A viewer that is closing stays at the picture seen last.
 */
export function useViewed(deferredId) {
  const address = useOpened().picture
  const [last, setLast] = useState(deferredId)
  if (address !== undefined && address !== last) setLast(address)
  return address ?? last
}
