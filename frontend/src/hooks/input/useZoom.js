import { useCallback, useEffect, useState } from 'react'

const STEP = 1.5
const MAX = 8
/** From this scale on one looks at pixels, and not at a picture. */
const CRISP = 4
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

const middleOf = ([one, other]) => ({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 })
const spreadOf = ([one, other]) => Math.max(1, Math.hypot(one.x - other.x, one.y - other.y))

/** A view under two fingers that go from `before` to `after`: what is under them goes with them. */
export function pinchView(view, before, after) {
  const [from, to] = [middleOf(before), middleOf(after)]
  const zoomed = zoomAt(view, spreadOf(after) / spreadOf(before), from.x, from.y)
  return zoomed.scale === 1 ? FITTED : { ...zoomed, x: zoomed.x + to.x - from.x, y: zoomed.y + to.y - from.y }
}

/** A view whose picture is not pushed out of sight: the middle of `box` lies on it. */
export function clampView(view, { width, height }) {
  if (width === 0 || height === 0) return view
  const clamp = (value, side) => Math.min((view.scale * side) / 2, Math.max((-view.scale * side) / 2, value))
  return { ...view, x: clamp(view.x, width), y: clamp(view.y, height) }
}

/** A view pushed about; a fitted one stays. */
function panned(view, dx, dy) {
  return view.scale > 1 ? { ...view, x: view.x + dx, y: view.y + dy } : view
}

/** A view after the stage has become another size: what was in the middle still is. */
function resized(view, before, after) {
  return view.scale > 1 ? { ...view, x: (view.x * after.width) / before.width, y: (view.y * after.height) / before.height } : view
}

/** What one looks through: a pane, where the stage has some. */
const paneOf = (stage) => (stage.querySelector('.zoom-pane') ?? stage).getBoundingClientRect()

/** The middle of the stage, or of the pane of it that is meant where several show the same view. */
function middleUnder(stage, target) {
  const { left, top, width, height } = (target.closest?.('.zoom-pane') ?? stage).getBoundingClientRect()
  return { x: left + width / 2, y: top + height / 2 }
}

/** Handlers for fingers and the mouse. Buttons have their own meaning, and a slider takes one finger for itself. */
function useFingers(view, change) {
  const [pressed] = useState(() => new Map())
  const lift = ({ pointerId }) => pressed.delete(pointerId)
  return {
    onPointerDown: (event) => {
      const { target, currentTarget, pointerId, clientX, clientY } = event
      if (target.closest('button')) return
      const middle = middleUnder(currentTarget, target)
      const finger = { middle, isSlider: target.matches('input'), x: clientX - middle.x, y: clientY - middle.y }
      pressed.set(pointerId, finger)
      if (pressed.size > 1 || (view.scale > 1 && !finger.isSlider)) currentTarget.setPointerCapture(pointerId)
    },
    onPointerMove: ({ pointerId, clientX, clientY }) => {
      const finger = pressed.get(pointerId)
      if (!finger) return
      const { middle } = finger
      const before = [...pressed.values()]
      const moved = { ...finger, x: clientX - middle.x, y: clientY - middle.y }
      pressed.set(pointerId, moved)
      const after = [...pressed.values()]
      if (after.length > 1) change((now) => pinchView(now, before, after))
      else if (!finger.isSlider) change((now) => panned(now, moved.x - finger.x, moved.y - finger.y))
    },
    onPointerUp: lift,
    onPointerCancel: lift,
  }
}

/**
 * Zooming by keys, wheel and two fingers, panning by dragging, on the stage of `stageRef`. `key` names what is shown:
 * another one is fitted again. A stage may hold several panes (`.zoom-pane`) of one size that show the same view.
 *
 * Answers the style of the picture, its `scale`, handlers for its stage, and `zoomIn`, `zoomOut`, `fit`, `pan`.
 */
export function useZoom(key, stageRef) {
  const [state, setState] = useState({ key, view: FITTED })
  const view = state.key === key ? state.view : FITTED
  const change = useCallback(
    (update) =>
      setState((now) => {
        const next = update(now.key === key ? now.view : FITTED)
        return { key, view: next.scale > 1 && stageRef.current ? clampView(next, paneOf(stageRef.current)) : next }
      }),
    [key, stageRef],
  )
  useEffect(() => {
    const stage = stageRef.current
    const onWheel = (event) => {
      event.preventDefault()
      const middle = middleUnder(stage, event.target)
      change((now) => zoomAt(now, event.deltaY < 0 ? 1.2 : 1 / 1.2, event.clientX - middle.x, event.clientY - middle.y))
    }
    let size = null
    const observer = new ResizeObserver(([{ contentRect }]) => {
      const before = size
      size = { width: contentRect.width, height: contentRect.height }
      if (before?.width > 0 && before.height > 0) change((now) => resized(now, before, size))
    })
    observer.observe(stage)
    // React listens passively, which could not keep the page from scrolling.
    stage.addEventListener('wheel', onWheel, { passive: false })
    return () => {
      observer.disconnect()
      stage.removeEventListener('wheel', onWheel)
    }
  }, [change, stageRef])
  const fingers = useFingers(view, change)
  const handlers = {
    ...fingers,
    onDoubleClick: ({ target }) => !target.matches('input') && change((now) => (now.scale > 1 ? FITTED : zoomAt(now, 2 * STEP))),
  }
  const zoomed = view.scale > 1
  const style = zoomed ? { transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})` } : undefined
  return {
    handlers,
    style,
    scale: view.scale,
    zoomed,
    isCrisp: view.scale >= CRISP,
    zoomIn: () => change((now) => zoomAt(now, STEP)),
    zoomOut: () => change((now) => zoomAt(now, 1 / STEP)),
    fit: () => change(() => FITTED),
    pan: (dx, dy) => change((now) => panned(now, dx, dy)),
  }
}
