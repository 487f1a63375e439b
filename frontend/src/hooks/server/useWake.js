import { useEffect } from 'react'

const TICK_MS = 2000
/** Timers that come so much later have stood still. */
const SLEPT_MS = 10_000

/** Calls `onWake` when the machine has slept while the tab was seen: whatever was asked before gets no answer any more. */
export function useWake(onWake) {
  useEffect(() => {
    let before = Date.now()
    const timer = setInterval(() => {
      const slept = Date.now() - before - TICK_MS
      before = Date.now()
      if (slept > SLEPT_MS && document.visibilityState === 'visible') onWake()
    }, TICK_MS)
    return () => clearInterval(timer)
  }, [onWake])
}
