import { inputUrl } from '../../../services/api.js'

/** Where an edit's picture and mask are seen; null where there is none. */
export function useInputUrls({ image, mask }) {
  return { picture: inputUrl(image), mask: mask && inputUrl(mask) }
}
