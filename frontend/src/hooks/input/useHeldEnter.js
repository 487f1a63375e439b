import { useEffect } from 'react'

/** A held Enter key is pressed once, whatever it would press in the element of `ref`. Texts keep their line breaks. */
export function useHeldEnter(ref) {
  useEffect(() => {
    const element = ref.current
    const onKeyDown = (event) => {
      if (event.key === 'Enter' && event.repeat && event.target.tagName !== 'TEXTAREA') event.preventDefault()
    }
    element?.addEventListener('keydown', onKeyDown)
    return () => element?.removeEventListener('keydown', onKeyDown)
  }, [ref])
}
