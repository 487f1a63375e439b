import { startTransition, useCallback, useEffect, useRef, useState } from 'react'

const has = (images, id) => images.some((image) => image.id === id)

/**
 * The image that is viewed in full, and the list that the viewer walks.
 *
 * It is that of the gallery while the image is in it. A page that is turned as the image is clicked takes it away: then
 * the list is the one that it was clicked in. An image that has been in the gallery and is gone was deleted.
 */
export function useViewed(images) {
  const [viewed, setViewed] = useState({ id: null, from: [] })
  const seen = useRef(images)
  useEffect(() => {
    seen.current = images
  }, [images])
  // A large view may take its time to come and go: the click itself must not wait for it.
  const view = useCallback((id) => {
    const now = seen.current
    startTransition(() => setViewed(({ from }) => ({ id, from: has(now, id) ? now : from })))
  }, [])
  const leave = useCallback(() => startTransition(() => setViewed({ id: null, from: [] })), [])
  const isHere = has(images, viewed.id)
  const isOfTurnedPage = images.length > 0 && !images.some((image) => has(viewed.from, image.id))
  const list = isHere ? images : isOfTurnedPage && has(viewed.from, viewed.id) ? viewed.from : null
  return { viewed, view, leave, list }
}
