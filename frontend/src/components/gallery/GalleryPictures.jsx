import { lazy, startTransition, Suspense, useDeferredValue, useState } from 'react'

import { useImageActions } from '../../hooks/images/useImageActions.js'
import { useSelection } from '../../hooks/images/useSelection.js'
import { usePreferences } from '../../hooks/ui/usePreferences.js'
import { useViewed } from '../../hooks/images/useViewed.js'
import BulkBar from './BulkBar.jsx'
import ImageCard from './ImageCard.jsx'

const ConfirmPurge = lazy(() => import('./ConfirmPurge.jsx'))

/**
 * Images as cards, and what opens from them: one in full, two compared, many changed at once.
 *
 * `Viewer` and `Comparison` show one image and two; `children` is a function of `renderCard`, for another arrangement
 * than the plain grid.
 */
export default function GalleryPictures({ images: newest, trash, Viewer, Comparison, onReuse, onVary, children }) {
  // Another page's cards wait until the click is answered. What can be clicked is what is seen, so all below is of it.
  const deferred = useDeferredValue(newest)
  const images = children ? newest : deferred
  const { viewed, view, leave, list } = useViewed(images, trash)
  const [compared, setCompared] = useState(null)
  const [doomed, setDoomed] = useState(null)
  const actions = useImageActions({ onVary })
  const selection = useSelection(images)
  const [{ ask_purge: asks }] = usePreferences()
  const purge = (ids) => {
    actions.purge(ids)
    selection.clear()
  }
  const doom = (pictures) => (asks ? setDoomed(pictures) : purge(pictures.map(({ id }) => id)))
  const renderCard = (image) => (
    <ImageCard
      key={image.id}
      image={image}
      chosen={selection.has(image.id)}
      actions={actions}
      onOpen={view}
      onChoose={selection.toggle}
      onReuse={onReuse}
      onPurge={doom}
    />
  )
  return (
    <>
      {children ? children(renderCard) : <ul className="gallery-grid">{images.map(renderCard)}</ul>}
      <BulkBar
        selection={selection}
        trash={trash}
        actions={actions}
        onCompare={() => startTransition(() => setCompared(selection.chosen))}
        onPurge={() => doom(selection.chosen)}
      />
      <Suspense>
        {list && (
          <Viewer images={list} imageId={viewed.id} actions={actions} onShow={view} onClose={leave} onReuse={onReuse} />
        )}
        {compared && <Comparison first={compared[0]} second={compared[1]} onClose={() => setCompared(null)} />}
        {doomed && <ConfirmPurge images={doomed} onPurge={purge} onClose={() => setDoomed(null)} />}
      </Suspense>
    </>
  )
}
