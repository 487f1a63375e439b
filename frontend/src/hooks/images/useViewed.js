import { useQuery, useQueryClient } from '@tanstack/react-query'
import { startTransition, useCallback, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { whereIs } from '../../services/api.js'
import { useToast } from '../ui/useToast.js'

const REFRESH_MS = 5000
const NOTHING = { id: null, from: [] }
const has = (images, id) => images.some((image) => image.id === id)

/** Asks for the gallery anew now and then: what is looked at may be deleted elsewhere. */
function useFreshGallery(isOpen) {
  const queryClient = useQueryClient()
  useEffect(() => {
    if (!isOpen) return undefined
    const refresh = () => document.hidden || queryClient.invalidateQueries({ queryKey: ['history'] })
    const timer = setInterval(refresh, REFRESH_MS)
    return () => clearInterval(timer)
  }, [isOpen, queryClient])
}

/**
 * The image that is viewed in full, and the list that the viewer walks.
 *
 * It is that of the gallery while the image is in it, else the one that it was clicked in: a page is turned, a newer
 * image pushes it off its page, a filter does not fit it any more. Whether it was deleted the server is asked; then
 * the viewer closes, and says why.
 */
export function useViewed(images, trash = false) {
  const { t } = useTranslation()
  const toast = useToast()
  const [viewed, setViewed] = useState(NOTHING)
  const seen = useRef(images)
  useEffect(() => {
    seen.current = images
  }, [images])
  // A large view may take its time to come and go: the click itself must not wait for it.
  const view = useCallback((id) => {
    const now = seen.current
    startTransition(() => setViewed(({ from }) => ({ id, from: has(now, id) ? now : from })))
  }, [])
  const leave = useCallback(() => startTransition(() => setViewed(NOTHING)), [])
  const isOpen = viewed.id !== null
  const isHere = has(images, viewed.id)
  useFreshGallery(isOpen)
  const { data: place } = useQuery({
    queryKey: ['whereabouts', viewed.id],
    queryFn: ({ signal }) => whereIs(viewed.id, { signal }),
    enabled: isOpen && !isHere,
    gcTime: 0,
  })
  const hasLeft = isOpen && !isHere && place !== undefined && place !== (trash ? 'trash' : 'gallery')
  const isRestored = place === 'gallery'
  useEffect(() => {
    if (!hasLeft) return
    toast({ text: t(isRestored ? 'lightbox.restored' : 'lightbox.gone') })
    leave()
  }, [hasLeft, isRestored, toast, t, leave])
  const list = isHere ? images : has(viewed.from, viewed.id) ? viewed.from : null
  return { viewed, view, leave, list }
}
