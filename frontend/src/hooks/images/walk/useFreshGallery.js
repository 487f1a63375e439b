import { useEffect } from 'react'

import { useImageCache } from '../useImageCache.js'

const REFRESH_MS = 5000

/** Asks for the gallery anew now and then while a picture is looked at: it may be deleted elsewhere. */
export function useFreshGallery() {
  const { refresh } = useImageCache()
  useEffect(() => {
    const timer = setInterval(() => document.hidden || refresh(), REFRESH_MS)
    return () => clearInterval(timer)
  }, [refresh])
}
