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
import Finished from './latest/Finished.jsx'
import { EmptyStage, LiveStage, PictureStage } from './latest/Stage.jsx'
import LiveCaption from './latest/LiveCaption.jsx'
import StageProgress from './latest/StageProgress.jsx'

/** What can be done with the newest picture, where there is one: the props of ImageActions. */
function useLatestActions(image, { onReuse, onVary }) {
  const actions = useImageActions({ onVary })
  const recent = useRecentPictures()
  const previous = image && recent[recent.findIndex(({ id }) => id === image.id) + 1]
  return {
    actions,
    onReuse,
    onCompare: previous && (() => open({ compare: [previous.id, image.id] })),
    onDelete: () => actions.trash([image.id]),
  }
}

/** The newest picture's prompt, what can be done with it, and its settings. */
function Caption({ image, actions }) {
  return (
    <>
      <div className="latest-caption">
        <p className="prompt-text" title={image.prompt}>
          {image.prompt}
        </p>
        <ImageActions image={image} {...actions} />
      </div>
      <ImageDetails image={image} />
    </>
  )
}

/** The newest picture, or the place for the first one; while one is drawn, that one as it grows. */
function OnStage({ image, preview, running }) {
  const view = () => open({ picture: image.id })
  const picture = image ? <PictureStage image={image} onOpen={view} /> : <EmptyStage />
  return (
    <div className="stage-frame">
      {preview ? <LiveStage preview={preview} /> : picture}
      {running && <StageProgress task={running} />}
      {preview && image && <Finished image={image} onOpen={view} />}
    </div>
  )
}

/** What is on the stage, large, with its settings. */
export default function LatestImage({ tasks, onReuse, onVary }) {
  const { t } = useTranslation()
  const query = useLatestImage()
  const { running, task, preview } = useStage(tasks, query)
  const actions = useLatestActions(query.data, { onReuse, onVary })
  return (
    <section className="panel latest" aria-labelledby="latest-title">
      <h2 id="latest-title">{t('latest.title')}</h2>
      <QueryFaces query={query} pending={<div className="stage stage-pending" />}>
        {(image) => (
          <>
            <OnStage image={image} preview={preview} running={running} />
            {task && (
              <LiveCaption
                task={task}
                last={image}
                lastActions={actions}
                Actions={ImageActions}
                Details={ImageDetails}
              />
            )}
            {image && !task && <Caption image={image} actions={actions} />}
          </>
        )}
      </QueryFaces>
    </section>
  )
}
