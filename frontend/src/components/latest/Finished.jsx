import { useTranslation } from 'react-i18next'

import { useThumbnailWidths } from '../../hooks/images/useThumbnailWidths.js'
import { smallestThumbnail } from '../../lib/images/thumbnails.js'

/** The picture that was finished last, small in a corner of the stage while the next one is drawn; opens it. */
export default function Finished({ image, onOpen }) {
  const { t } = useTranslation()
  const widths = useThumbnailWidths()
  const label = t('latest.finished', { prompt: image.prompt })
  return (
    <button type="button" className="stage-finished" aria-label={label} title={label} onClick={onOpen}>
      {widths && <img src={smallestThumbnail(image, widths)} width="56" height="56" alt="" />}
    </button>
  )
}
