import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'

import { DEFAULT_PATTERN, filenameOf } from '../../lib/images/filename.js'
import { save } from '../../lib/images/save.js'
import { exportImages } from '../../services/api.js'
import { usePreferences } from '../kept/usePreferences.js'
import { findPicture } from './findPicture.js'
import { useAttempt } from './useAttempt.js'

/** More names than these would make too large a request. */
const MOST = 500

/** Answers a function that saves pictures as zips, each of them under the wanted name where it is at hand. */
export function useZip() {
  const queryClient = useQueryClient()
  const attempt = useAttempt()
  const [{ pattern }] = usePreferences()
  return useCallback(
    (ids) => {
      const nameOf = (id) => {
        const image = findPicture(queryClient, id)
        return image ? [[id, filenameOf(image, pattern, 'png')]] : []
      }
      return attempt(async () => {
        for (let from = 0; from < ids.length; from += MOST) {
          const part = ids.slice(from, from + MOST)
          const names = pattern === DEFAULT_PATTERN ? {} : Object.fromEntries(part.flatMap(nameOf))
          save(await exportImages(part, { names }), from === 0 ? 'z-image.zip' : `z-image-${from / MOST + 1}.zip`)
        }
      })
    },
    [queryClient, attempt, pattern],
  )
}
