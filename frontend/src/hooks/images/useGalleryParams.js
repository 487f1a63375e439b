import { useCallback, useMemo } from 'react'

import { changeGallery, parseGallery, writeGallery } from '../../lib/images/gallery.js'
import { changeSearch, useSearch } from '../ui/useAddress.js'

/** What is typed, letter by letter. */
const TYPED = ['q', 'tag']

/**
 * The gallery's page and filters, kept in the address (`?page=2&q=fox`), so that Back and a shared link work.
 *
 * A turned page is a step of the browser's history; what is typed into a filter replaces the present one, as does a
 * change with `replace`.
 */
export function useGalleryParams() {
  const search = useSearch()
  const gallery = useMemo(() => parseGallery(search), [search])
  const change = useCallback((patch, { replace = TYPED.some((key) => key in patch) } = {}) => {
    changeSearch((present) => writeGallery(present, changeGallery(parseGallery(present), patch)), { replace })
  }, [])
  return [gallery, change]
}
