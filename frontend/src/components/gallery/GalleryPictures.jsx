import { lazy, Suspense, useDeferredValue, useState } from 'react'

import { useGalleryKeys } from '../../hooks/images/cards/useGalleryKeys.js'
import { useImageActions } from '../../hooks/images/useImageActions.js'
import { useSelection } from '../../hooks/images/useSelection.js'
import { open } from '../../hooks/ui/useOpened.js'
import { usePreferences } from '../../hooks/kept/usePreferences.js'
import BulkBar from './BulkBar.jsx'
import ImageCard from './ImageCard.jsx'

const ConfirmPurge = lazy(() => import('./ConfirmPurge.jsx'))

const view = (id) => open({ picture: id })
const compare = (pictures) => open({ compare: pictures.map(({ id }) => id) })

/**
 * Images as cards, and what is done from them: one opened, two compared, many changed at once.
 *
 * `children` is a function of `renderCard`, for another arrangement than the plain grid. `onTurn` turns the page by a
 * direction, and answers whether there is one.
 */
export default function GalleryPictures({ images: newest, inSight, trash, onReuse, onVary, onTurn, children }) {
  // Another page's cards wait until the click is answered. What can be clicked is what is seen, so all below is of it.
  const deferred = useDeferredValue(newest)
  const images = children ? newest : deferred
  const [doomed, setDoomed] = useState(null)
  const actions = useImageActions({ onVary })
  const selection = useSelection(images)
  const [{ ask_purge: asks }] = usePreferences()
  const purge = (ids) => {
    actions.purge(ids)
    selection.clear()
  }
  const doom = (pictures) => (asks ? setDoomed(pictures) : purge(pictures.map(({ id }) => id)))
  const { ref, stop } = useGalleryKeys({
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
  return (
    <>
      <div ref={ref}>
        {children ? children(renderCard) : <ul className="gallery-grid">{images.map(renderCard)}</ul>}
      </div>
      <BulkBar
        selection={selection}
        trash={trash}
        actions={actions}
        onCompare={() => compare(selection.chosen)}
        onPurge={() => doom(selection.chosen)}
      />
      <Suspense>
        {doomed && <ConfirmPurge images={doomed} onPurge={purge} onClose={() => setDoomed(null)} />}
      </Suspense>
    </>
  )
}
