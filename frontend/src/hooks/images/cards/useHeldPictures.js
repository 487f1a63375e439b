import { useCallback, useState } from 'react'

import { holdPictures, isSameList } from '../../../lib/images/hold.js'

/**
 * The pictures of a page in their places while `isHeld`: `{images, waiting, show, drop}`. `waiting` newer ones are shown
 * by `show`; `drop` is told which were deleted.
 *
 * `list` names what the pictures are the page of, null while they are still those of another one.
 */
export function useHeldPictures(newest, { list, isHeld }) {
  const [held, setHeld] = useState({ list, images: newest, dropped: [] })
  const isSame = list !== null && held.list === list
  const { images, waiting } = isHeld && isSame ? holdPictures(held.images, newest, held.dropped) : { images: newest, waiting: 0 }
  if (held.list !== list || !isSameList(held.images, images)) setHeld({ list, images, dropped: isSame ? held.dropped : [] })
  const show = () => setHeld({ list, images: newest, dropped: [] })
  const drop = useCallback((ids) => {
    setHeld((now) => ({
      ...now,
      images: now.images.filter(({ id }) => !ids.includes(id)),
      dropped: [...now.dropped, ...ids],
    }))
  }, [])
  return { images: isSameList(held.images, images) ? held.images : images, waiting, show, drop }
}
