import { lazy, startTransition, Suspense, useCallback, useDeferredValue, useState } from 'react'

import { useImageActions } from '../hooks/useImageActions.js'
import { useSelection } from '../hooks/useSelection.js'
import BulkBar from './BulkBar.jsx'
import ImageCard from './ImageCard.jsx'

const Lightbox = lazy(() => import('./Lightbox.jsx'))
const CompareDialog = lazy(() => import('./CompareDialog.jsx'))
const ConfirmPurge = lazy(() => import('./ConfirmPurge.jsx'))

/** A plain grid of cards; the endless gallery brings its own. Another page's cards wait until the click is answered. */
function Grid({ images, renderCard }) {
  const shown = useDeferredValue(images)
  return <ul className="gallery-grid">{shown.map(renderCard)}</ul>
}

/**
 * Pictures as cards, and what opens from them: one in full, two compared, many changed at once.
 *
 * `children` is a function of `renderCard`, for another arrangement than the plain grid.
 */
export default function GalleryPictures({ images, trash, onReuse, onVary, children }) {
  const [openId, setOpenId] = useState(null)
  const [compared, setCompared] = useState(null)
  const [doomed, setDoomed] = useState(null)
  const actions = useImageActions({ onVary })
  const selection = useSelection(images)
  const purge = (ids) => {
    actions.purge(ids)
    selection.clear()
  }
  // A large view may take its time to come and go: the click itself must not wait for it.
  const open = useCallback((id) => startTransition(() => setOpenId(id)), [])
  const renderCard = (image) => (
    <ImageCard
      key={image.id}
      image={image}
      chosen={selection.has(image.id)}
      actions={actions}
      onOpen={open}
      onChoose={selection.toggle}
      onReuse={onReuse}
      onPurge={setDoomed}
    />
  )
  return (
    <>
      {children ? children(renderCard) : <Grid images={images} renderCard={renderCard} />}
      <BulkBar
        selection={selection}
        trash={trash}
        actions={actions}
        onCompare={() => startTransition(() => setCompared(selection.chosen))}
        onPurge={() => setDoomed(selection.chosen)}
      />
      <Suspense>
        {images.some(({ id }) => id === openId) && (
          <Lightbox
            images={images}
            imageId={openId}
            actions={actions}
            onShow={open}
            onClose={() => open(null)}
            onReuse={onReuse}
          />
        )}
        {compared && <CompareDialog first={compared[0]} second={compared[1]} onClose={() => setCompared(null)} />}
        {doomed && <ConfirmPurge images={doomed} onPurge={purge} onClose={() => setDoomed(null)} />}
      </Suspense>
    </>
  )
}
