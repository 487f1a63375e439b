import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import './BeforeAfter.css'

const MIDDLE = 50
const percentOf = (part, whole) => `${(100 * (part ?? 0)) / whole}%`

/** Where a picture lies in the one that has grown around it. */
function placeIn({ width, height }, { top, right, bottom, left }) {
  const inset = [percentOf(top, height), percentOf(right, width), percentOf(bottom, height), percentOf(left, width)].join(' ')
  return { inset, width: 'auto', height: 'auto' }
}

/** One of the two, moved and scaled as `zoom` has it. */
function Layer({ picture, size, zoom, isOver }) {
  const { url, alt, growth } = picture
  return (
    <div className={`before-after-layer ${isOver ? 'before-after-over' : ''}`}>
      <div className="before-after-moved" style={zoom?.style}>
        <div className="before-after-place" style={growth && placeIn(size, growth)}>
          <img className={zoom?.isCrisp ? 'crisp' : undefined} src={url} alt={alt} draggable={false} />
        </div>
      </div>
    </div>
  )
}

/**
 * Two pictures in one place; a line that is dragged, or moved by its arrows, says how much is seen of each.
 *
 * @param before, after `{url, alt, label?, growth?}`: left of the line, and right of it. `growth` is what the other one
 *   has more on each side, in pixels.
 * @param width, height of the pictures, which lie on each other whatever their own sizes are.
 * @param zoom what useZoom answers, where one may look closer: both are moved as one, and the line by its handle alone.
 */
export default function BeforeAfter({ before, after, width, height, label, zoom }) {
  const { t } = useTranslation()
  const [share, setShare] = useState(MIDDLE)
  const classes = ['before-after', zoom && 'zoom-pane', zoom?.zoomed && 'zoomed'].filter(Boolean).join(' ')
  const size = { width, height }
  return (
    <div className={classes} style={{ '--share': `${share}%`, '--ratio': `${width} / ${height}`, '--across': width / height }}>
      <Layer picture={before} size={size} zoom={zoom} />
      <Layer picture={after} size={size} zoom={zoom} isOver />
      {before.label && <span className="before-after-label before-after-left">{before.label}</span>}
      {after.label && <span className="before-after-label before-after-right">{after.label}</span>}
      <input
        type="range"
        className="before-after-range"
        min={0}
        max={100}
        step={1}
        value={share}
        aria-label={label ?? t('compare.slider')}
        aria-valuetext={t('compare.share', { percent: 100 - share })}
        onChange={({ target }) => setShare(Number(target.value))}
      />
      <span className="before-after-line" aria-hidden="true" />
    </div>
  )
}
