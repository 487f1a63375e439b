import { useEffect, useState } from 'react'

/** True once `active` has lasted for a while, and for as long as it goes on. */
export function useLasting(active, afterMs) {
  const [lasting, setLasting] = useState(false)
  useEffect(() => {
    if (!active) return undefined
    const timer = setTimeout(() => setLasting(true), afterMs)
    return () => {
      clearTimeout(timer)
      setLasting(false)
    }
  }, [active, afterMs])
  return active && lasting
}
