import { useLayoutEffect, useState } from 'react'

/** How large a picture is shown, 1 for its real size; 0 while that is not known. */
export function useShownScale(ref, { id, width }) {
  const [scale, setScale] = useState(0)
  useLayoutEffect(() => {
    const element = ref.current
    const observer = new ResizeObserver(() => setScale(element.clientWidth / width))
    observer.observe(element)
    return () => observer.disconnect()
  }, [ref, id, width])
  return scale
}
