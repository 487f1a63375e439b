import { useState } from 'react'

import Icon from './Icon.jsx'

const LONGEST_PX = 384

/** The size a thumbnail has, so that the page does not jump when it arrives. */
function sizeOf({ width, height }) {
  const scale = Math.min(1, LONGEST_PX / Math.max(width, height))
  return { width: Math.round(width * scale), height: Math.round(height * scale) }
}

/** A small picture that loads when it is near; an icon where its file is gone. */
export default function Thumbnail({ image }) {
  const [broken, setBroken] = useState(false)
  if (broken) {
    return (
      <span className="card-broken" role="img" aria-label={image.prompt}>
        <Icon name="picture" size={32} />
      </span>
    )
  }
  return (
    <img
      src={image.thumbnail_url}
      alt={image.prompt}
      loading="lazy"
      decoding="async"
      onError={() => setBroken(true)}
      {...sizeOf(image)}
    />
  )
}
