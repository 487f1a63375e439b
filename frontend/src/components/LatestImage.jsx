import { useTranslation } from 'react-i18next'

import { useImageActions } from '../hooks/images/useImageActions.js'
import { useLatestImage } from '../hooks/images/useLatestImage.js'
import { useRecentPictures } from '../hooks/images/useRecentPictures.js'
import { useStage } from '../hooks/tasks/useStage.js'
import { open } from '../hooks/ui/useOpened.js'
import './LatestImage.css'
import ImageActions from './viewer/ImageActions.jsx'
import ImageDetails from './viewer/ImageDetails.jsx'
import QueryFaces from './ui/QueryFaces.jsx'
import { EmptyStage, LiveStage, PictureStage } from './latest/Stage.jsx'
import LiveCaption from './latest/LiveCaption.jsx'
import StageProgress from './latest/StageProgress.jsx'

/** The newest picture's prompt, what can be done with it, and its settings. */
function Caption({ image, actions, onReuse }) {
  const recent = useRecentPictures()
  const previous = recent[recent.findIndex(({ id }) => id === image.id) + 1]
  return (
    <>
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

/** The newest picture, or the place for the first one; while one is drawn, that one as it grows. */
function OnStage({ image, preview, running }) {
  const picture = image ? <PictureStage image={image} onOpen={() => open({ picture: image.id })} /> : <EmptyStage />
  return (
    <div className="stage-frame">
      {preview ? <LiveStage preview={preview} /> : picture}
      {running && <StageProgress task={running} />}
    </div>
  )
}

/** What is on the stage, large, with its settings. */
export default function LatestImage({ tasks, onReuse, onVary }) {
  const { t } = useTranslation()
  const query = useLatestImage()
  const { running, task, preview } = useStage(tasks, query)
  const actions = useImageActions({ onVary })
  return (
    <section className="panel latest" aria-labelledby="latest-title">
      <h2 id="latest-title">{t('latest.title')}</h2>
      <QueryFaces query={query} pending={<div className="stage stage-pending" />}>
        {(image) => (
          <>
            <OnStage image={image} preview={preview} running={running} />
            {task && <LiveCaption task={task} actions={actions} Actions={ImageActions} Details={ImageDetails} />}
            {image && !task && <Caption image={image} actions={actions} onReuse={onReuse} />}
          </>
        )}
      </QueryFaces>
    </section>
  )
}
