import { useCallback } from 'react'

import { toHistoryQuery } from '../../../lib/images/gallery.js'
import { fetchHistory } from '../../../services/api.js'
import { useAttempt } from '../useAttempt.js'

/** As many as the server answers at a time. */
const MOST = 100

/** Answers a function that promises all pictures which the gallery's filters find, those on other pages too. */
export function useEveryPicture(gallery) {
  const attempt = useAttempt()
  return useCallback(
    () =>
      attempt(async () => {
        const all = []
        for (let page = 1; ; page += 1) {
          const { images, total } = await fetchHistory({ ...toHistoryQuery(gallery), page, page_size: MOST })
          all.push(...images)
          if (images.length === 0 || all.length >= total) return all
        }
      }),
    [attempt, gallery],
  )
}
