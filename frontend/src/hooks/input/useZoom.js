import { useCallback, useEffect, useRef, useState } from 'react'

const STEP = 1.5
const MAX = 8
const FITTED = { scale: 1, x: 0, y: 0 }

function clampScale(scale) {
  return Math.min(MAX, Math.max(1, scale))
}

/** A view scaled about a point of the stage, given from its middle; fitted again where it is not larger. */
export function zoomAt(view, factor, x = 0, y = 0) {
  const scale = clampScale(view.scale * factor)
  if (scale === 1) return FITTED
  const ratio = scale / view.scale
  return { scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio }
}

/**
 * Zooming by keys and wheel, panning by dragging, on the stage of `stageRef`. `key` names what is shown: another
 * one is fitted again.
 *
 * Answers the style of the picture, its `scale`, handlers for its stage, and `zoomIn`, `zoomOut`, `fit`, `pan`.
 */
export function useZoom(key, stageRef) {
  const [state, setState] = useState({ key, view: FITTED })
  const view = state.key === key ? state.view : FITTED
  const drag = useRef(null)
  const change = useCallback(
    (update) => setState((now) => ({ key, view: update(now.key === key ? now.view : FITTED) })),
    [key],
  )
  useEffect(() => {
    const stage = stageRef.current
    const onWheel = (event) => {
      event.preventDefault()
      const box = stage.getBoundingClientRect()
      const [x, y] = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2]
      change((now) => zoomAt(now, event.deltaY < 0 ? 1.2 : 1 / 1.2, x, y))
    }
    // React listens passively, which could not keep the page from scrolling.
    stage.addEventListener('wheel', onWheel, { passive: false })
    return () => stage.removeEventListener('wheel', onWheel)
  }, [change, stageRef])
  const handlers = {
    onPointerDown: (event) => {
      if (view.scale === 1 || event.target.closest('button')) return
      drag.current = { x: event.clientX - view.x, y: event.clientY - view.y }
      event.currentTarget.setPointerCapture(event.pointerId)
    },
    onPointerMove: (event) => {
      const from = drag.current
      if (from) change((now) => ({ ...now, x: event.clientX - from.x, y: event.clientY - from.y }))
    },
    onPointerUp: () => (drag.current = null),
    onDoubleClick: () => change((now) => (now.scale > 1 ? FITTED : zoomAt(now, 2 * STEP))),
  }
  const zoomed = view.scale > 1
  const style = zoomed ? { transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})` } : undefined
  return {
    handlers,
    style,
    scale: view.scale,
    zoomed,
    zoomIn: () => change((now) => zoomAt(now, STEP)),
    zoomOut: () => change((now) => zoomAt(now, 1 / STEP)),
    fit: () => change(() => FITTED),
    pan: (dx, dy) => change((now) => (now.scale > 1 ? { ...now, x: now.x + dx, y: now.y + dy } : now)),
  }
}
