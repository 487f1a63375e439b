import { useEffect } from 'react'

import { afterPaint } from '../../../lib/afterPaint.js'

/** The browser may restore its own place later than the first paint. */
const SETTLED_MS = 150

const ACTS = ['wheel', 'touchstart', 'pointerdown', 'keydown']

/** Does something later, unless a person does anything before: who scrolls on must not be thrown back. */
function whileIdle(work, afterMs) {
  const end = () => {
    clearTimeout(timer)
    for (const act of ACTS) window.removeEventListener(act, end)
  }
  const timer = setTimeout(() => {
    end()
    work()
  }, afterMs)
  for (const act of ACTS) window.addEventListener(act, end, { passive: true })
}

const cardOf = (id) => document.querySelector(`[data-picture="${id}"]`)

/**
 * Brings a person back to the picture that was looked at last, when the viewer has closed.
 *
 * `seenRef` refers to `{id, index, walked}`, which the viewer notes. Where nobody walked on, the focus is with what opened
 * the viewer already. `approach` is told the index of a picture whose card is not there yet.
 */
export function useReturn(seenRef, isOpen, approach) {
  useEffect(() => {
    if (isOpen || !seenRef.current) return undefined
    if (!seenRef.current.walked && document.activeElement !== document.body) {
      seenRef.current = null
      return undefined
    }
    if (!cardOf(seenRef.current.id)) {
      approach(seenRef.current.index)
      return undefined
    }
    // The browser, going back, restores where the page was scrolled to before.
    return afterPaint(() => {
      const seen = seenRef.current
      const card = seen && cardOf(seen.id)
      if (!card) {
        if (seen) approach(seen.index) // its page was put away before it was painted
        return
      }
      seenRef.current = null
      card.focus({ preventScroll: true })
      card.scrollIntoView({ block: 'nearest' })
      whileIdle(() => {
        if (card.isConnected) {
          if (document.activeElement === document.body) card.focus({ preventScroll: true }) // its row was made anew
          return card.scrollIntoView({ block: 'nearest' })
        }
        seenRef.current = seen // the browser scrolled so far away that the card was put away
        return approach(seen.index)
      }, SETTLED_MS)
    })
  })
}
