import { memo } from 'react'
import { useTranslation } from 'react-i18next'

import { usePictureDownload } from '../../hooks/images/usePictureDownload.js'
import { formatDateTime, formatShortDate } from '../../lib/format.js'
import FavouriteButton from '../ui/FavouriteButton.jsx'
import Icon from '../ui/Icon.jsx'
import Thumbnail from './Thumbnail.jsx'

function CardButton({ icon, label, title, onClick }) {
  return (
    <button type="button" className="icon-button" aria-label={label} title={title} onClick={onClick}>
      <Icon name={icon} size={16} />
    </button>
  )
}

function CardActions({ image, actions, onReuse, onPurge }) {
  const { t } = useTranslation()
  const linkOf = usePictureDownload()
  const { id, prompt } = image
  if (image.deleted_at) {
    return (
      <div className="card-actions card-actions-trash">
        <CardButton
          icon="restore"
          label={t('gallery.restoreNamed', { prompt })}
          title={t('gallery.restore')}
          onClick={() => actions.restore([id])}
        />
        <CardButton
          icon="trash"
          label={t('gallery.purgeNamed', { prompt })}
          title={t('gallery.purge')}
          onClick={() => onPurge([image])}
        />
      </div>
    )
  }
  return (
    <div className="card-actions">
      <CardButton
        icon="dice"
        label={t('gallery.useSeedNamed', { prompt })}
        title={t('image.reuse.seed')}
        onClick={() => onReuse(image, 'seed')}
      />
      <a
        className="icon-button"
        {...linkOf(image)}
        aria-label={t('gallery.downloadNamed', { prompt })}
        title={t('common.download')}
      >
        <Icon name="download" size={16} />
      </a>
      <CardButton
        icon="trash"
        label={t('gallery.deleteNamed', { prompt })}
        title={t('common.delete')}
        onClick={() => actions.trash([id])}
      />
    </div>
  )
}

/** One picture of the gallery. Ctrl or Shift and a click choose it instead of opening it. */
function ImageCard({ image, chosen, actions, onOpen, onChoose, onReuse, onPurge }) {
  const { t, i18n } = useTranslation()
  const { id, prompt } = image
  const openOrChoose = (event) => {
    if (event.shiftKey || event.ctrlKey || event.metaKey) onChoose(image, { range: event.shiftKey })
    else onOpen(id)
  }
  return (
    <li className={`card-item ${chosen ? 'card-chosen' : ''}`}>
      <button type="button" className="card-picture" aria-label={t('gallery.open', { prompt })} onClick={openOrChoose}>
        <Thumbnail image={image} />
      </button>
      <input
        type="checkbox"
        className="form-check-input card-choice"
        aria-label={t('gallery.chooseNamed', { prompt })}
        checked={chosen}
        onChange={(event) => onChoose(image, { range: event.nativeEvent.shiftKey })}
      />
      {!image.deleted_at && (
        <FavouriteButton
          image={image}
          className={`icon-button card-heart ${image.favourite ? 'card-loved' : ''}`}
          onFavour={actions.favour}
        />
      )}
      <CardActions image={image} actions={actions} onReuse={onReuse} onPurge={onPurge} />
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

/** A click on one card draws that card anew, and none of the others. */
export default memo(ImageCard)
