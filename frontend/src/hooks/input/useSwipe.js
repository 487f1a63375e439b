import { useRef } from 'react'

const LEAST_PX = 48

/** Handlers for a finger that swipes to the left or right; a mouse, a second finger and a slanted way are none. */
export function useSwipe(onSwipe) {
  const start = useRef(null)
  return {
    onTouchStart: ({ touches: [finger, ...more] }) => {
      start.current = more.length === 0 ? { x: finger.clientX, y: finger.clientY } : null
    },
    onTouchEnd: ({ changedTouches: [finger] }) => {
      const from = start.current
      start.current = null
      if (!from) return
      const [dx, dy] = [finger.clientX - from.x, finger.clientY - from.y]
      if (Math.abs(dx) > LEAST_PX && Math.abs(dx) > 2 * Math.abs(dy)) onSwipe(dx < 0 ? 'left' : 'right')
    },
  }
}
