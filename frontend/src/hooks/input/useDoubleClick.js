import { useCallback, useRef } from 'react'

const DOUBLE_MS = 350
const SPOT_PX = 8

/**
 * Answers a click handler that prevents the second click of a double click: one is meant as one.
 *
 * Keys have no such habit: each press of them counts. Nor is a click the second of two when something was written into
 * the form in between.
 */
export function useDoubleClick() {
  const last = useRef(null)
  return useCallback((event) => {
    if (event.detail === 0) return // clicked by a key
    const { timeStamp: at, clientX: x, clientY: y } = event
    const before = last.current
    const isSecond = before && at - before.at < DOUBLE_MS && Math.hypot(x - before.x, y - before.y) < SPOT_PX
    if (isSecond) event.preventDefault()
    const click = isSecond ? null : { at, x, y }
    last.current = click
    const forget = () => {
      if (last.current === click) last.current = null
    }
    event.currentTarget.form?.addEventListener('input', forget, { once: true })
  }, [])
}
