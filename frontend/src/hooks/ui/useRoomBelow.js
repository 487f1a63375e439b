import { useLayoutEffect } from 'react'

/** The distance that a sticking column keeps from the window's upper edge, as App.css says. */
const EDGE_PX = 16

/**
 * Tells an element that sticks to the window, by its `--room`, how high it can be: its end, where the buttons are,
 * must not lie below the window while the head of the page is still above it.
 */
export function useRoomBelow(ref) {
  useLayoutEffect(() => {
    const element = ref.current
    const measure = () => {
      const top = Math.max(EDGE_PX, element.getBoundingClientRect().top)
      const room = `${Math.round(window.innerHeight - top)}px`
      if (element.style.getPropertyValue('--room') !== room) element.style.setProperty('--room', room)
    }
    const observer = new ResizeObserver(measure)
    observer.observe(document.body)
    window.addEventListener('scroll', measure, { passive: true })
    window.addEventListener('resize', measure)
    measure()
    return () => {
      observer.disconnect()
      window.removeEventListener('scroll', measure)
      window.removeEventListener('resize', measure)
    }
  }, [ref])
}
