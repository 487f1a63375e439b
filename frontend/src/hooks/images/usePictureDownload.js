import { useCallback } from 'react'

import { convertPicture } from '../../lib/images/convert.js'
import { filenameOf, FORMATS } from '../../lib/images/filename.js'
import { save } from '../../lib/images/save.js'
import { fetchPicture, namedUrl } from '../../services/api.js'
import { usePreferences } from '../kept/usePreferences.js'
import { useAttempt } from './useAttempt.js'

/** Answers a function that gives the props of a link which saves a picture in the wanted format, under the wanted name. */
export function usePictureDownload() {
  const [{ format, pattern }] = usePreferences()
  const attempt = useAttempt()
  return useCallback(
    (image) => {
      if (!image.filename) return {} // It is still being drawn.
      const download = filenameOf(image, pattern, format)
      if (format === 'png') return { href: namedUrl(image, download), download }
      const onClick = (event) => {
        event.preventDefault()
        attempt(async () => save(await convertPicture(await fetchPicture(image), FORMATS[format]), download))
      }
      return { href: image.download_url, download, onClick }
    },
    [format, pattern, attempt],
  )
}

/** Answers a function that saves a picture as its link would. */
export function usePictureSaver() {
  const linkOf = usePictureDownload()
  return (image) => {
    const { onClick, ...link } = linkOf(image)
    if (onClick) onClick(new Event('click', { cancelable: true }))
    else Object.assign(document.createElement('a'), link).click()
  }
}
