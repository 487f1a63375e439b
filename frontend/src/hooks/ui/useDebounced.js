import { useEffect, useState } from 'react'

/** A value that has stood still for a while. */
export function useDebounced(value, delayMs) {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), delayMs)
    return () => clearTimeout(timer)
  }, [value, delayMs])
  return settled
}
