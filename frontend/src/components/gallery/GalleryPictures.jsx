import { lazy, Suspense, useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react'

import { useEveryPicture } from '../../hooks/images/cards/useEveryPicture.js'
import { useGalleryKeys } from '../../hooks/images/cards/useGalleryKeys.js'
import { useHeldPictures } from '../../hooks/images/cards/useHeldPictures.js'
import { useHold } from '../../hooks/images/cards/useHold.js'
import { useImageActions } from '../../hooks/images/useImageActions.js'
import { useDialog, useNoDialog } from '../../hooks/ui/useDialog.js'
import { close, open } from '../../hooks/ui/useOpened.js'
import { usePreferences } from '../../hooks/kept/usePreferences.js'
import { clearFilters } from '../../lib/images/gallery.js'
import BulkBar from './BulkBar.jsx'
import EmptyTrash from './EmptyTrash.jsx'
import ImageCard from './ImageCard.jsx'
import TrashNote from './TrashNote.jsx'
import NewPictures from './NewPictures.jsx'

const ConfirmPurge = lazy(() => import('./ConfirmPurge.jsx'))

const PURGE = 'purge'

const view = (id) => open({ picture: id })
const compare = (pictures) => open({ compare: pictures.map(({ id }) => id) })

/**
 * Images as cards, and what is done from them: one opened, two compared, many changed at once.
 *
 * `children` is a function of `renderCard`, for another arrangement than the plain grid. `onTurn` turns the page by a
 * direction, and answers whether there is one. `list` is that of useHeldPictures: cards do not move under a hand.
 * `selection` is what useSelection answers.
 */
export default function GalleryPictures({ images: newest, list = null, gallery, total, inSight, selection, onReuse, onVary, onTurn, children }) {
  const { trash } = gallery
  const findEvery = useEveryPicture(gallery)
  const findAll = useEveryPicture(useMemo(() => clearFilters(gallery), [gallery]))
  const ref = useRef(null)
  const isHeld = useHold(ref) || selection.chosen.length > 0
  const { images: held, waiting, show, drop } = useHeldPictures(newest, { list, isHeld })
  // Another page's cards wait until the click is answered. What can be clicked is what is seen, so all below is of it.
  const deferred = useDeferredValue(held)
  const images = children ? newest : deferred
  const { see } = selection
  useEffect(() => see(images), [see, images])
  const [doomed, setDoomed] = useState(null)
  const isAsking = useDialog(PURGE) && doomed
  useNoDialog(PURGE, !doomed)
  const every = useImageActions({ onVary })
  const actions = useMemo(() => ({ ...every, trash: (ids) => every.trash(ids).then(drop) }), [every, drop])
  const [{ ask_purge: asks }] = usePreferences()
  const { clear } = selection
  const purge = useCallback(
    (ids) => {
      actions.purge(ids)
      clear()
      setDoomed(null) // The browser's Forward has nothing to ask any more.
    },
    [actions, clear],
  )
  const ask = useCallback((pictures) => {
    setDoomed(pictures)
    open({ dialog: PURGE })
  }, [])
  const doom = useCallback(
    (pictures) => (asks ? ask(pictures) : purge(pictures.map(({ id }) => id))),
    [asks, ask, purge],
  )
  const stop = useGalleryKeys(ref, {
    images,
    inSight: inSight ?? images,
    trash,
    actions,
    selection,
    onReuse,
    onCompare: compare,
    onPurge: doom,
    onTurn,
  })
  /** As they are now: what is chosen was noted when it was. */
  const chosen = useMemo(() => {
    const now = new Map(images.map((image) => [image.id, image]))
    return selection.chosen.map((image) => now.get(image.id) ?? image)
  }, [images, selection.chosen])
  const renderCard = (image) => (
    <ImageCard
      key={image.id}
      image={image}
      chosen={selection.has(image.id)}
      isStop={image.id === stop}
      actions={actions}
      onOpen={view}
      onChoose={selection.toggle}
      onReuse={onReuse}
      onPurge={doom}
    />
  )
  const showNew = () => {
    show()
    if (ref.current.getBoundingClientRect().top < 0) ref.current.scrollIntoView({ block: 'start' })
  }
  return (
    <>
      <NewPictures count={waiting} onShow={showNew} />
      {trash && <TrashNote />}
      {trash && images.length > 0 && <EmptyTrash findAll={findAll} onFound={ask} />}
      <div ref={ref}>
        {children ? children(renderCard) : <ul className="gallery-grid">{images.map(renderCard)}</ul>}
      </div>
      {chosen.length > 0 && (
        <BulkBar
          selection={selection}
          chosen={chosen}
          trash={trash}
          total={total}
          findEvery={findEvery}
          actions={actions}
          onCompare={() => compare(selection.chosen)}
          onRefer={() => onReuse(selection.chosen, 'reference')}
          onPurge={() => doom(selection.chosen)}
        />
      )}
      <Suspense>{isAsking && <ConfirmPurge images={doomed} onPurge={purge} onClose={close} />}</Suspense>
    </>
  )
}
