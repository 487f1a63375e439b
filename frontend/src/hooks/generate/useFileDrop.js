import { useEffect, useRef, useState } from 'react'

const carriesFiles = (event) => event.dataTransfer?.types.includes('Files')

/** Calls back with the first file that is dropped anywhere on the page; answers whether one hovers over it. */
export function useFileDrop(onFile) {
  const [hovering, setHovering] = useState(false)
  const depth = useRef(0)
  useEffect(() => {
    const set = (next) => {
      depth.current = Math.max(0, next)
      setHovering(depth.current > 0)
    }
    const listeners = {
      dragenter: () => set(depth.current + 1),
      dragleave: () => set(depth.current - 1),
      dragover: () => {},
      drop: (event) => {
        set(0)
        const [file] = event.dataTransfer.files
        if (file) onFile(file)
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
  }, [onFile])
  return hovering
}
