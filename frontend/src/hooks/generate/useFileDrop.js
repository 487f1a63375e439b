import { useCallback, useEffect, useRef, useState } from 'react'

import { kindOfFiles } from '../../lib/loras/files.js'

const carriesFiles = (event) => event.dataTransfer?.types.includes('Files')
const placeOf = ({ target }) => target.closest?.('[data-takes]') ?? null

/** Marks the place that files are over, by `data-drop`, and none before it. */
function useMark() {
  const marked = useRef(null)
  return useCallback((place) => {
    if (place === marked.current) return
    marked.current?.removeAttribute('data-drop')
    place?.setAttribute('data-drop', '')
    marked.current = place
  }, [])
}

/**
 * Calls back with the list of files that are dropped anywhere on the page, and with what the place they are dropped on
 * takes them as, which it says by `data-takes`. Answers the kind of what hovers over the page (see kindOfFiles), null
 * while nothing does.
 */
export function useFileDrop(onFiles) {
  const [hovering, setHovering] = useState(null)
  const depth = useRef(0)
  const mark = useMark()
  useEffect(() => {
    const set = (next, kind) => {
      depth.current = Math.max(0, next)
      setHovering((now) => (depth.current > 0 ? (kind ?? now) : null))
      if (depth.current === 0) mark(null)
    }
    const listeners = {
      dragenter: ({ dataTransfer }) => set(depth.current + 1, kindOfFiles(dataTransfer)),
      dragleave: () => set(depth.current - 1),
      dragover: (event) => mark(placeOf(event)),
      drop: (event) => {
        set(0)
        const files = [...event.dataTransfer.files]
        if (files.length > 0) onFiles(files, placeOf(event)?.dataset.takes)
      },
    }
    const entries = Object.entries(listeners).map(([name, listener]) => {
      // Without preventDefault the browser would leave the page for the file.
      const handle = (event) => {
        if (!carriesFiles(event)) return
        event.preventDefault()
        listener(event)
      }
      window.addEventListener(name, handle)
      return [name, handle]
    })
    return () => {
      for (const [name, handle] of entries) window.removeEventListener(name, handle)
    }
  }, [onFiles, mark])
  return hovering
}
