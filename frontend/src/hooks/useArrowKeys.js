import { useEffect } from 'react'

/** Calls back on ← and →, wherever the focus is. */
export function useArrowKeys({ onLeft, onRight }) {
  useEffect(() => {
    const onKeyDown = (event) => {
      if (event.key === 'ArrowLeft') onLeft()
      if (event.key === 'ArrowRight') onRight()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [onLeft, onRight])
}
