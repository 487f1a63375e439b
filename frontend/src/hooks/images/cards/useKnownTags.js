import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

/** The tags of all pictures at hand, `{tags, look}`: `look` gathers them anew, when one is about to be written. */
export function useKnownTags() {
  const queryClient = useQueryClient()
  const [tags, setTags] = useState([])
  const look = () => {
    const pages = queryClient.getQueriesData({ queryKey: ['history'] })
    const all = pages.flatMap(([, data]) => data?.images ?? []).flatMap((image) => image.tags ?? [])
    setTags([...new Set(all)].sort((one, other) => one.localeCompare(other)))
  }
  return { tags, look }
}
