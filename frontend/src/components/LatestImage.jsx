import { lazy, startTransition, Suspense, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { useImageActions } from '../hooks/images/useImageActions.js'
import { useLatestImage } from '../hooks/images/useLatestImage.js'
import { useLivePreview, useRunningTask } from '../hooks/tasks/useLivePreview.js'
import { useRecentPictures } from '../hooks/images/useRecentPictures.js'
import './LatestImage.css'
import ImageActions from './viewer/ImageActions.jsx'
import ImageDetails from './viewer/ImageDetails.jsx'
import QueryFaces from './ui/QueryFaces.jsx'
import { EmptyStage, LiveStage, PictureStage } from './latest/Stage.jsx'
import StageProgress from './latest/StageProgress.jsx'

const Lightbox = lazy(() => import('./viewer/Lightbox.jsx'))
const CompareDialog = lazy(() => import('./viewer/CompareDialog.jsx'))

function Latest({ image, preview, running, onReuse, onVary }) {
  const [dialog, setDialog] = useState(null)
  const actions = useImageActions({ onVary })
  const recent = useRecentPictures()
  const previous = recent[recent.findIndex(({ id }) => id === image.id) + 1]
  // A large view may take its time to come and go: the click itself must not wait for it.
  const open = (name) => startTransition(() => setDialog(name))
  const close = () => open(null)
  return (
    <>
      <div className="stage-frame">
        {preview ? <LiveStage preview={preview} /> : <PictureStage image={image} onOpen={() => open('lightbox')} />}
        {running && <StageProgress task={running} />}
      </div>
      <div className="latest-caption">
        <p className="prompt-text">{image.prompt}</p>
        <ImageActions
          image={image}
          actions={actions}
          onReuse={onReuse}
          onCompare={previous && (() => open('compare'))}
          onDelete={() => actions.trash([image.id])}
        />
      </div>
      <ImageDetails image={image} />
      <Suspense>
        {dialog === 'lightbox' && (
          <Lightbox images={[image]} imageId={image.id} actions={actions} onClose={close} onReuse={onReuse} />
        )}
        {dialog === 'compare' && <CompareDialog first={previous} second={image} onClose={close} />}
      </Suspense>
    </>
  )
}

/** Before there is any picture: the first one as it grows. */
function FirstPicture({ preview, running }) {
  return (
    <div className="stage-frame">
      {preview ? <LiveStage preview={preview} /> : <EmptyStage />}
      {running && <StageProgress task={running} />}
    </div>
  )
}

/** The newest picture, large, with its settings; while one is drawn, that one as it grows. */
export default function LatestImage({ tasks, onReuse, onVary }) {
  const { t } = useTranslation()
  const query = useLatestImage()
  const running = useRunningTask(tasks)
  const preview = useLivePreview(running)
  return (
    <section className="panel latest" aria-labelledby="latest-title">
      <h2 id="latest-title">{t('latest.title')}</h2>
      <QueryFaces query={query} pending={<div className="stage stage-pending" />}>
        {(image) => {
          const shown = { preview, running, onReuse, onVary }
          return image ? <Latest image={image} {...shown} /> : <FirstPicture {...shown} />
        }}
      </QueryFaces>
    </section>
  )
}
