import { useState } from 'react'

import { useThumbnailWidths } from '../../hooks/images/useThumbnailWidths.js'
import { usePreferences } from '../../hooks/kept/usePreferences.js'
import { thumbnailProps } from '../../lib/images/thumbnails.js'
import Icon from '../ui/Icon.jsx'

/** A small picture, as sharp as the screen, that loads when it is near; an icon where its file is gone. Dragged is not this copy. */
export default function Thumbnail({ image }) {
  const [broken, setBroken] = useState(false)
  const widths = useThumbnailWidths()
  const [{ card_px: cardPx }] = usePreferences()
  // An address now and another one in a moment would load the picture twice.
  if (!widths) return null
  if (broken) {
    return (
      <span className="card-broken" role="img" aria-label={image.prompt}>
        <Icon name="picture" size={32} />
      </span>
    )
  }
  return (
    <img
      {...thumbnailProps(image, widths, cardPx)}
      alt={image.prompt}
      loading="lazy"
      decoding="async"
      draggable={false}
      onError={() => setBroken(true)}
    />
  )
}
