import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { placeAfter } from '../../lib/images/grid.js'
import LoraTile from './LoraTile.jsx'

const TILE = '[data-lora]'
/** Folders with thousands are shown bit by bit. */
const SHOWN = 120
const topOf = (element) => Math.round(element.getBoundingClientRect().top)

/**
 * LoRAs to choose from, one stop of Tab: arrows, Home and End lead from one to the next, ↑ from the first row `onLeave`s.
 * `fresh` are the names of those that have just come.
 */
export default function LoraGrid({ ref, loras, chosen, fresh, onToggle, onLeave }) {
  const { t } = useTranslation()
  const [active, setActive] = useState(null)
  const [most, setMost] = useState(SHOWN)
  const shown = loras.slice(0, most)
  const left = loras.length - shown.length
  const stop = shown.some(({ name }) => name === active) ? active : loras[0].name
  const onKeyDown = (event) => {
    if (!event.target.matches(TILE)) return
    const tiles = [...event.currentTarget.querySelectorAll(TILE)]
    const tops = tiles.map(topOf)
    const at = tiles.indexOf(event.target)
    const place = placeAfter(tops, at, event.key)
    const leaves = event.key === 'ArrowUp' && tops[at] === tops[0]
    if (place === undefined && !leaves) return
    event.preventDefault()
    if (leaves) onLeave()
    else tiles[place].focus()
  }
  return (
    <>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the keys of the buttons within */}
      <ul ref={ref} className="lora-grid" aria-label={t('loras.title')} onKeyDown={onKeyDown}>
        {shown.map((lora) => (
          <LoraTile
            key={lora.name}
            lora={lora}
            isChosen={chosen.some(({ name }) => name === lora.name)}
            isFresh={fresh.includes(lora.name)}
            isStop={lora.name === stop}
            onFocus={() => setActive(lora.name)}
            onToggle={() => onToggle(lora)}
            onGone={onLeave}
          />
        ))}
      </ul>
      {left > 0 && (
        <button type="button" className="chip lora-more" onClick={() => setMost(most + SHOWN)}>
          {t('loras.more', { count: Math.min(left, SHOWN), left })}
        </button>
      )}
    </>
  )
}
