import { useEffect, useState } from 'react'

/**
 * Whether somebody is at the pictures in the element of `ref`: with a mouse, with the focus, or reading further down than
 * where they begin. Then they must not move.
 */
export function useHold(ref) {
  const [at, setAt] = useState({ pointer: false, focus: false, below: false })
  useEffect(() => {
    const element = ref.current
    const set = (key, value) => setAt((now) => (now[key] === value ? now : { ...now, [key]: value }))
    const onPointer = ({ type, pointerType }) => set('pointer', type === 'pointerenter' && pointerType === 'mouse')
    const onFocus = ({ type, target, relatedTarget }) => set('focus', element.contains(type === 'focusin' ? target : relatedTarget))
    const onScroll = () => set('below', element.getBoundingClientRect().top < 0)
    element.addEventListener('pointerenter', onPointer)
    element.addEventListener('pointerleave', onPointer)
    document.addEventListener('focusin', onFocus)
    document.addEventListener('focusout', onFocus)
    window.addEventListener('scroll', onScroll, { passive: true })
    return () => {
      element.removeEventListener('pointerenter', onPointer)
      element.removeEventListener('pointerleave', onPointer)
      document.removeEventListener('focusin', onFocus)
      document.removeEventListener('focusout', onFocus)
      window.removeEventListener('scroll', onScroll)
    }
  }, [ref])
  return at.pointer || at.focus || at.below
}
