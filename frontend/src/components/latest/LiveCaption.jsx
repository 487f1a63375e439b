import { useTranslation } from 'react-i18next'

import { usePictureToBe } from '../../hooks/tasks/usePictureToBe.js'

/**
 * What stands below the preview: the prompt and settings of the task that it is of. `Actions` and `Details` take
 * the room that they will have for the finished picture: nothing jumps when it comes.
 *
 * Until then the actions are for the `last` finished one, with `lastActions`; where there is none they do nothing.
 */
export default function LiveCaption({ task, last, lastActions, Actions, Details }) {
  const { t } = useTranslation()
  const image = usePictureToBe(task)
  return (
    <>
      <div className="latest-caption">
        <p className="prompt-text" title={image.prompt}>
          {image.prompt}
        </p>
        {last ? (
          <div role="group" aria-label={t('latest.forFinished')} title={t('latest.forFinished')}>
            <Actions image={last} {...lastActions} />
          </div>
        ) : (
          <div className="latest-soon" inert>
            <Actions image={image} {...lastActions} />
          </div>
        )}
      </div>
      <Details image={image} />
    </>
  )
}
