import { useTranslation } from 'react-i18next'

import { useThumbnailWidths } from '../../hooks/images/useThumbnailWidths.js'
import { smallestThumbnail } from '../../lib/images/thumbnails.js'
import Icon from '../ui/Icon.jsx'

/** Where the first picture will be. */
export function EmptyStage() {
  const { t } = useTranslation()
  return (
    <div className="stage stage-empty">
      <Icon name="picture" size={44} />
      <p className="empty-title">{t('latest.emptyTitle')}</p>
      <p>{t('latest.emptyText')}</p>
    </div>
  )
}

/** A small picture is not blown up beyond recognition. */
const MAX_ENLARGEMENT = 2

function boundHeight(height) {
  return { maxHeight: `min(100%, ${MAX_ENLARGEMENT * height}px)` }
}

/** The picture that is being drawn, as it is now. */
export function LiveStage({ preview }) {
  const { t } = useTranslation()
  const { url, width, height, prompt } = preview
  return (
    <div className="stage stage-live">
      <img className="stage-image" src={url} width={width} height={height} alt={t('latest.live', { prompt })} style={boundHeight(height)} />
    </div>
  )
}

/** A finished picture. Until its file is there, what stood in its place last stays: nothing jumps. */
export function PictureStage({ image, onOpen }) {
  const { t } = useTranslation()
  const { width, height, prompt } = image
  const widths = useThumbnailWidths()
  const copy = widths && smallestThumbnail(image, widths)
  return (
    <button type="button" className="stage" aria-label={t('latest.open', { prompt })} onClick={onOpen}>
      <span className="stage-picture">
        {/* The picture's own colours, blurred, fill the room beside it. */}
        {copy && <img className="stage-glow" src={copy} alt="" decoding="async" />}
        <img
          key={image.id}
          className="stage-image"
          src={image.download_url}
          width={width}
          height={height}
          alt={prompt}
          style={{ ...boundHeight(height), backgroundImage: copy && `url("${copy}")` }}
        />
      </span>
    </button>
  )
}
