import { useEffect } from 'react'

import { useLatest } from '../ui/useLatest.js'

const PAN_PX = 80
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }
const TEXT_FIELDS = 'input:not([type=range]), textarea, select'

/** What a key does to a view; undefined for those that are none of it. A slider keeps its arrows, but for those with Shift. */
function actionOf({ key, shiftKey, target }, zoom) {
  if (key === '+' || key === '=') return zoom.zoomIn
  if (key === '-') return zoom.zoomOut
  if (key === '0') return zoom.fit
  const arrow = ARROWS[key]
  const isFree = zoom.zoomed && (shiftKey || !target.matches?.('input'))
  return arrow && isFree ? () => zoom.pan(arrow[0] * PAN_PX, arrow[1] * PAN_PX) : undefined
}

/** Lets + − 0 and the arrows zoom and pan what useZoom answers, wherever the focus is in the dialog. */
export function useZoomKeys(zoom) {
  const latest = useLatest(zoom)
  useEffect(() => {
    const onKeyDown = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(TEXT_FIELDS)) return
      const action = actionOf(event, latest.current)
      if (!action) return
      event.preventDefault()
      action()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [latest])
}
