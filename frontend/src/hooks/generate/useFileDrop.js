import { useEffect, useRef, useState } from 'react'

import { carriesNoPicture } from '../../lib/loras/files.js'

const carriesFiles = (event) => event.dataTransfer?.types.includes('Files')

/**
 * Calls back with the list of files that are dropped anywhere on the page, and with what the place they are dropped on
 * says of itself by `data-drop-as`; answers `files` while any hover over it, `foreign` where none of them is a picture.
 */
export function useFileDrop(onFiles) {
  const [hovering, setHovering] = useState(null)
  const depth = useRef(0)
  useEffect(() => {
    const set = (next, kind) => {
      depth.current = Math.max(0, next)
      setHovering((now) => (depth.current > 0 ? (kind ?? now) : null))
    }
    const listeners = {
      dragenter: ({ dataTransfer }) => set(depth.current + 1, carriesNoPicture(dataTransfer) ? 'foreign' : 'files'),
      dragleave: () => set(depth.current - 1),
      dragover: () => {},
      drop: (event) => {
        set(0)
        const files = [...event.dataTransfer.files]
        const place = event.target.closest?.('[data-drop-as]')?.dataset.dropAs
        if (files.length > 0) onFiles(files, place)
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
  }, [onFiles])
  return hovering
}
