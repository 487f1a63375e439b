import { useTranslation } from 'react-i18next'

import { usePreviewUrl } from '../../hooks/tasks/useLivePreview.js'
import { useThumbnailWidths } from '../../hooks/images/useThumbnailWidths.js'
import { open } from '../../hooks/ui/useOpened.js'
import { smallestThumbnail } from '../../lib/images/thumbnails.js'
import Icon from '../ui/Icon.jsx'

function Small({ url }) {
  return url ? <img src={url} width="52" height="52" alt="" /> : <Icon name="picture" size={20} />
}

/** A task's picture, small: the finished one, which it opens, the one being drawn, or the place for it. */
export default function TaskThumb({ task, prompt }) {
  const { t } = useTranslation()
  const preview = usePreviewUrl(task)
  const widths = useThumbnailWidths()
  const picture = task?.result
  if (!picture) {
    return (
      <span className="task-thumb" aria-hidden="true">
        <Small url={preview} />
      </span>
    )
  }
  const label = t('task.openPicture', { prompt })
  return (
    <button type="button" className="task-thumb" aria-label={label} title={label} onClick={() => open({ picture: picture.id })}>
      <Small url={widths && smallestThumbnail(picture, widths)} />
    </button>
  )
}
