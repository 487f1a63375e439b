import { useTranslation } from 'react-i18next'

import { formatDateTime, formatShortDate } from '../lib/format.js'
import Icon from './Icon.jsx'
import Thumbnail from './Thumbnail.jsx'

/** One picture of the gallery. */
export default function ImageCard({ image, onOpen, onDelete }) {
  const { t, i18n } = useTranslation()
  const { prompt } = image
  return (
    <li className="card-item">
      <button
        type="button"
        className="card-picture"
        aria-label={t('gallery.open', { prompt })}
        onClick={() => onOpen(image.id)}
      >
        <Thumbnail image={image} />
      </button>
      <div className="card-actions">
        <a
          className="icon-button"
          href={image.download_url}
          download={image.filename}
          aria-label={t('gallery.downloadNamed', { prompt })}
          title={t('common.download')}
        >
          <Icon name="download" size={16} />
        </a>
        <button
          type="button"
          className="icon-button"
          aria-label={t('gallery.deleteNamed', { prompt })}
          title={t('common.delete')}
          onClick={() => onDelete(image)}
        >
          <Icon name="trash" size={16} />
        </button>
      </div>
      <p className="card-prompt" title={prompt}>
        {prompt}
      </p>
      <p className="card-meta" title={formatDateTime(image.created_at, i18n.language)}>
        <span>
          {image.width} × {image.height} ·{' '}
        </span>
        {formatShortDate(image.created_at, i18n.language)}
      </p>
    </li>
  )
}
