import { memo } from 'react'
import { useTranslation } from 'react-i18next'

import { usePictureDownload } from '../../hooks/images/usePictureDownload.js'
import { useAbilities } from '../../hooks/server/useAbilities.js'
import { formatDateTime, formatShortDate } from '../../lib/format.js'
import { packPicture } from '../../lib/images/drag.js'
import { pictureAddress } from '../../lib/opened.js'
import FavouriteButton from '../ui/FavouriteButton.jsx'
import Icon from '../ui/Icon.jsx'
import Thumbnail from './Thumbnail.jsx'

function CardButton({ icon, label, ...button }) {
  return (
    <button type="button" className="icon-button" aria-label={label} {...button}>
      <Icon name={icon} size={16} />
    </button>
  )
}

function CardActions({ image, tabIndex, actions, onReuse, onPurge }) {
  const { t } = useTranslation()
  const linkOf = usePictureDownload()
  const { refers } = useAbilities()
  const { id, prompt } = image
  if (image.deleted_at) {
    return (
      <div className="card-actions card-actions-trash">
        <CardButton
          tabIndex={tabIndex}
          icon="restore"
          label={t('gallery.restoreNamed', { prompt })}
          title={t('gallery.restore')}
          onClick={() => actions.restore([id])}
        />
        <CardButton
          tabIndex={tabIndex}
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
      {refers && (
        <CardButton
          tabIndex={tabIndex}
          icon="layers"
          label={t('references.useNamed', { prompt })}
          title={t('references.use')}
          onClick={() => onReuse(image, 'reference')}
        />
      )}
      <CardButton
        tabIndex={tabIndex}
        icon="dice"
        label={t('gallery.useSeedNamed', { prompt })}
        title={t('image.reuse.seed')}
        onClick={() => onReuse(image, 'seed')}
      />
      <a
        tabIndex={tabIndex}
        className="icon-button"
        {...linkOf(image)}
        aria-label={t('gallery.downloadNamed', { prompt })}
        title={t('common.download')}
      >
        <Icon name="download" size={16} />
      </a>
      <CardButton
        tabIndex={tabIndex}
        icon="trash"
        label={t('gallery.deleteNamed', { prompt })}
        title={t('common.delete')}
        onClick={() => actions.trash([id])}
      />
    </div>
  )
}

/**
 * One picture of the gallery. Ctrl or Shift and a click choose it instead of opening it; it can be dragged out as a file.
 *
 * Tab leads to the card that `isStop` and its buttons, arrows from card to card.
 */
function ImageCard({ image, chosen, isStop, actions, onOpen, onChoose, onReuse, onPurge }) {
  const { t, i18n } = useTranslation()
  const { id, prompt } = image
  const tabIndex = isStop ? 0 : -1
  const openOrChoose = (event) => {
    event.preventDefault()
    if (event.shiftKey || event.ctrlKey || event.metaKey) onChoose(image, { range: event.shiftKey })
    else onOpen(id)
  }
  return (
    <li className={`card-item ${chosen ? 'card-chosen' : ''}`}>
      {/* A link for the mouse's middle button and its menu; else it opens a dialog, as buttons do. */}
      <a
        href={pictureAddress(image)}
        role="button"
        className="card-picture"
        data-picture={id}
        tabIndex={tabIndex}
        draggable
        onDragStart={(event) => packPicture(event.dataTransfer, image)}
        aria-label={t('gallery.open', { prompt })}
        onClick={openOrChoose}
      >
        <Thumbnail image={image} />
      </a>
      <label className="card-choice-area">
        <span className="visually-hidden">{t('gallery.chooseNamed', { prompt })}</span>
        <input
          type="checkbox"
          tabIndex={tabIndex}
          className="form-check-input card-choice"
          checked={chosen}
          onChange={(event) => onChoose(image, { range: event.nativeEvent.shiftKey })}
        />
      </label>
      {!image.deleted_at && (
        <FavouriteButton
          image={image}
          tabIndex={tabIndex}
          className={`icon-button card-heart ${image.favourite ? 'card-loved' : ''}`}
          onFavour={actions.favour}
        />
      )}
      <CardActions image={image} tabIndex={tabIndex} actions={actions} onReuse={onReuse} onPurge={onPurge} />
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
