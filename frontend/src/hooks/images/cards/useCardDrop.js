import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'

import { carriesPicture, draggedId } from '../../../lib/images/drag.js'
import { findPicture } from '../findPicture.js'

/**
 * Lets a card of the gallery be dropped on an element, which says so by `data-drop` while one is over it. `onDrop` is told
 * the picture, and what a part of the element takes it as where that says so by `data-takes`.
 */
export function useCardDrop(ref, onDrop) {
  const queryClient = useQueryClient()
  useEffect(() => {
    const element = ref.current
    const partOf = ({ target }) => target.closest?.('[data-takes]') ?? element
    let marked = null
    const mark = (place) => {
      if (place === marked) return
      marked?.removeAttribute('data-drop')
      place?.setAttribute('data-drop', '')
      marked = place
    }
    const listeners = {
      dragenter: (event) => mark(partOf(event)),
      dragover: (event) => mark(partOf(event)),
      dragleave: ({ relatedTarget }) => element.contains(relatedTarget) || mark(null),
      drop: (event) => {
        mark(null)
        const image = findPicture(queryClient, draggedId(event.dataTransfer))
        if (image) onDrop(image, partOf(event).dataset.takes)
      },
    }
    const entries = Object.entries(listeners).map(([name, listener]) => {
      const handle = (event) => {
        if (!carriesPicture(event.dataTransfer)) return
        // A field would take the address as text.
        event.preventDefault()
        listener(event)
      }
      element.addEventListener(name, handle)
      return [name, handle]
    })
    return () => {
      for (const [name, handle] of entries) element.removeEventListener(name, handle)
    }
  }, [ref, onDrop, queryClient])
}
