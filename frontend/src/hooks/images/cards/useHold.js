import { useEffect, useState } from 'react'

/** The way of a hand from the pictures to what says how many new ones wait. */
const LEAVING_MS = 1000

/** Who has scrolled to where the pictures begin may be a little below that. */
const BEGUN_PX = 48

/**
 * Whether somebody is at the pictures in the element of `ref`: with a mouse, with the focus, or reading further down than
 * where they begin. Then they must not move.
 */
export function useHold(ref) {
  const [at, setAt] = useState({ pointer: false, focus: false, below: false })
  useEffect(() => {
    const element = ref.current
    const set = (key, value) => setAt((now) => (now[key] === value ? now : { ...now, [key]: value }))
    let leaving
    const onPointer = ({ type, pointerType }) => {
      clearTimeout(leaving)
      if (type === 'pointerenter') set('pointer', pointerType === 'mouse')
      else leaving = setTimeout(() => set('pointer', false), LEAVING_MS)
    }
    const onFocus = ({ type, target, relatedTarget }) => set('focus', element.contains(type === 'focusin' ? target : relatedTarget))
    const onScroll = () => set('below', element.getBoundingClientRect().top < -BEGUN_PX)
    element.addEventListener('pointerenter', onPointer)
    element.addEventListener('pointerleave', onPointer)
    document.addEventListener('focusin', onFocus)
    document.addEventListener('focusout', onFocus)
    window.addEventListener('scroll', onScroll, { passive: true })
    return () => {
      clearTimeout(leaving)
      element.removeEventListener('pointerenter', onPointer)
      element.removeEventListener('pointerleave', onPointer)
      document.removeEventListener('focusin', onFocus)
      document.removeEventListener('focusout', onFocus)
      window.removeEventListener('scroll', onScroll)
    }
  }, [ref])
  return at.pointer || at.focus || at.below
}
