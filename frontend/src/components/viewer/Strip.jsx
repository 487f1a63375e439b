import { useTranslation } from 'react-i18next'

import { useThumbnailWidths } from '../../hooks/images/useThumbnailWidths.js'
import { smallestThumbnail } from '../../lib/images/thumbnails.js'

/** So many on either side are more than any window shows: the one that is looked at stays in the middle. */
const ASIDE = 12

/** The pictures around the one that is looked at, small. By keys one walks with the arrows: the strip is no stop of Tab. */
export default function Strip({ step, pictureAt, onGo }) {
  const { t } = useTranslation()
  const widths = useThumbnailWidths()
  const indices = Array.from({ length: 2 * ASIDE + 1 }, (_, at) => step.index - ASIDE + at)
  return (
    <ol className="lightbox-strip" aria-label={t('lightbox.strip')}>
      {indices.map((index) => {
        const image = index < step.total ? pictureAt(index) : undefined
        if (!image) return <li key={index} aria-hidden="true" />
        return (
          <li key={index}>
            <button
              type="button"
              tabIndex={-1}
              aria-current={image.id === step.image.id ? 'true' : undefined}
              aria-label={t('lightbox.goTo', { index: index + 1, prompt: image.prompt })}
              onClick={() => onGo(index)}
            >
              <img src={smallestThumbnail(image, widths)} alt="" decoding="async" draggable={false} />
            </button>
          </li>
        )
      })}
    </ol>
  )
}
