import { useCallback, useEffect, useRef, useState } from 'react'

/** Where the cursor goes is told when it rests. */
const REST_MS = 250

/**
 * What was done, in words: `[text, say, sayLater]`.
 *
 * The same words again are told again: a space at the end makes them others.
 */
export function useSay() {
  const [text, setText] = useState('')
  const timer = useRef(null)
  const say = useCallback((next) => {
    clearTimeout(timer.current)
    setText((now) => (now === next ? `${next} ` : next))
  }, [])
  const sayLater = useCallback(
    (make) => {
      clearTimeout(timer.current)
      timer.current = setTimeout(() => say(make()), REST_MS)
    },
    [say],
  )
  useEffect(() => () => clearTimeout(timer.current), [])
  return [text, say, sayLater]
}
