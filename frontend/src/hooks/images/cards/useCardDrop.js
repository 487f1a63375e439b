import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'

import { carriesPicture, draggedId } from '../../../lib/images/drag.js'
import { findPicture } from '../findPicture.js'

/** Lets a card of the gallery be dropped on an element, which says so by `data-drop` while one is over it. */
export function useCardDrop(ref, onDrop) {
  const queryClient = useQueryClient()
  useEffect(() => {
    const element = ref.current
    const show = (isOver) => element.toggleAttribute('data-drop', isOver)
    const listeners = {
      dragenter: () => show(true),
      dragover: () => show(true),
      dragleave: ({ relatedTarget }) => show(element.contains(relatedTarget)),
      drop: ({ dataTransfer }) => {
        show(false)
        const image = findPicture(queryClient, draggedId(dataTransfer))
        if (image) onDrop(image)
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
