import { useEffect, useState } from 'react'

import { mostSize, stepSize } from '../../lib/canvas/settings.js'
import { Gestures } from '../../lib/canvas/tools/gestures.js'

/** A notch of a wheel, and the many small ones of a touch pad, as a factor. */
const PER_PIXEL = 0.0016
const LINE_PX = 24
const MOST_PX = 240

function wheelFactor({ deltaY, deltaMode }) {
  const pixels = deltaMode === 0 ? deltaY : deltaY * LINE_PX
  return Math.exp(-PER_PIXEL * Math.min(MOST_PX, Math.max(-MOST_PX, pixels)))
}

/** Lets mouse, fingers and pens paint on the element of `ref`; the wheel zooms, with Alt it sizes the brush. */
export function usePointers(ref, { session, onChange, onPen }) {
  const [gestures] = useState(() => new Gestures(session))
  useEffect(() => {
    const element = ref.current
    const locate = ({ clientX, clientY }) => {
      const { left, top } = element.getBoundingClientRect()
      return { x: clientX - left, y: clientY - top }
    }
    gestures.attach({ locate, onPen })
    const onWheel = (event) => {
      event.preventDefault()
      if (event.altKey) onChange({ size: stepSize(session.settings.size, event.deltaY < 0 ? 1 : -1, mostSize(session.doc.size)) })
      else if (event.shiftKey) session.view.pan(-(event.deltaX || event.deltaY), 0)
      else session.view.zoom(wheelFactor(event), locate(event))
    }
    const listeners = {
      pointerdown: (event) => {
        if (event.button === 1) event.preventDefault() // The browser's own scrolling.
        element.setPointerCapture(event.pointerId)
        gestures.down(event)
      },
      pointermove: (event) => gestures.move(event),
      pointerup: (event) => gestures.up(event),
      pointercancel: (event) => gestures.lost(event),
      pointerleave: () => !gestures.isBusy && session.cursor === null && session.leave(),
      contextmenu: (event) => event.preventDefault(),
      wheel: onWheel,
    }
    const entries = Object.entries(listeners)
    for (const [name, listener] of entries) element.addEventListener(name, listener, { passive: false })
    return () => {
      for (const [name, listener] of entries) element.removeEventListener(name, listener)
    }
  }, [ref, gestures, session, onChange, onPen])
  return gestures
}
