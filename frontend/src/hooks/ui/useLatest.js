import { useEffect, useRef } from 'react'

/** A ref to a value as it was drawn last, for what happens later. */
export function useLatest(value) {
  const ref = useRef(value)
  useEffect(() => {
    ref.current = value
  }, [value])
  return ref
}
