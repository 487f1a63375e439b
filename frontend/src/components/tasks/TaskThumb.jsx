import { usePreviewUrl } from '../../hooks/tasks/useLivePreview.js'
import { useThumbnailWidths } from '../../hooks/images/useThumbnailWidths.js'
import { smallestThumbnail } from '../../lib/images/thumbnails.js'
import Icon from '../ui/Icon.jsx'

/** A task's picture, small: the finished one, the one being drawn, or the place for it. */
export default function TaskThumb({ task }) {
  const preview = usePreviewUrl(task)
  const widths = useThumbnailWidths()
  const url = task?.result ? widths && smallestThumbnail(task.result, widths) : preview
  return (
    <span className="task-thumb" aria-hidden="true">
      {url ? <img src={url} width="52" height="52" alt="" /> : <Icon name="picture" size={20} />}
    </span>
  )
}
