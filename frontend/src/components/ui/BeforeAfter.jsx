import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import './BeforeAfter.css'

const MIDDLE = 50

/**
 * Two pictures in one place; a line that is dragged, or moved by its arrows, says how much is seen of each.
 *
 * @param before, after `{url, alt, label?}`: left of the line, and right of it.
 * @param width, height of the pictures, which lie on each other whatever their own sizes are.
 */
export default function BeforeAfter({ before, after, width, height, label }) {
  const { t } = useTranslation()
  const [share, setShare] = useState(MIDDLE)
  return (
    <div className="before-after" style={{ '--share': `${share}%`, '--ratio': `${width} / ${height}`, '--across': width / height }}>
      <img src={before.url} alt={before.alt} draggable={false} />
      <img className="before-after-over" src={after.url} alt={after.alt} draggable={false} />
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
