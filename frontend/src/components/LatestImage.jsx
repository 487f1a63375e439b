import { useTranslation } from 'react-i18next'

import { useImageActions } from '../hooks/images/useImageActions.js'
import { useLatestImage } from '../hooks/images/useLatestImage.js'
import { useLivePreview, useRunningTask } from '../hooks/tasks/useLivePreview.js'
import { useRecentPictures } from '../hooks/images/useRecentPictures.js'
import { open } from '../hooks/ui/useOpened.js'
import './LatestImage.css'
import ImageActions from './viewer/ImageActions.jsx'
import ImageDetails from './viewer/ImageDetails.jsx'
import QueryFaces from './ui/QueryFaces.jsx'
import { EmptyStage, LiveStage, PictureStage } from './latest/Stage.jsx'
import StageProgress from './latest/StageProgress.jsx'

function Latest({ image, preview, running, actions, onReuse }) {
  const recent = useRecentPictures()
  const previous = recent[recent.findIndex(({ id }) => id === image.id) + 1]
  return (
    <>
      <div className="stage-frame">
        {preview ? <LiveStage preview={preview} /> : <PictureStage image={image} onOpen={() => open({ picture: image.id })} />}
        {running && <StageProgress task={running} />}
      </div>
      <div className="latest-caption">
        <p className="prompt-text">{image.prompt}</p>
        <ImageActions
          image={image}
          actions={actions}
          onReuse={onReuse}
          onCompare={previous && (() => open({ compare: [previous.id, image.id] }))}
          onDelete={() => actions.trash([image.id])}
        />
      </div>
      <ImageDetails image={image} />
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
  const actions = useImageActions({ onVary })
  return (
    <section className="panel latest" aria-labelledby="latest-title">
      <h2 id="latest-title">{t('latest.title')}</h2>
      <QueryFaces query={query} pending={<div className="stage stage-pending" />}>
        {(image) => {
          const shown = { preview, running }
          if (!image) return <FirstPicture {...shown} />
          return <Latest image={image} actions={actions} onReuse={onReuse} {...shown} />
        }}
      </QueryFaces>
    </section>
  )
}
