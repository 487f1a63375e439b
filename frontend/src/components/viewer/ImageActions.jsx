import Button from 'react-bootstrap/Button'
import Dropdown from 'react-bootstrap/Dropdown'
import { useTranslation } from 'react-i18next'

import { usePictureDownload } from '../../hooks/images/usePictureDownload.js'
import { useAbilities } from '../../hooks/server/useAbilities.js'
import FavouriteButton from '../ui/FavouriteButton.jsx'
import Icon from '../ui/Icon.jsx'
import ReuseMenu from './ReuseMenu.jsx'

/** The less frequent actions. */
function MoreMenu({ image, actions, onCompare, onDelete }) {
  const { t } = useTranslation()
  const items = [
    ['copy', t('image.copyPicture'), () => actions.copyPicture(image)],
    ['copy', t('image.copyPrompt'), () => actions.copyPrompt(image)],
    ['copy', t('image.copySettings'), () => actions.copySettings(image)],
    onCompare && ['compare', t('image.comparePrevious'), onCompare],
    onDelete && ['trash', t('common.delete'), onDelete],
  ]
  return (
    <Dropdown align="end">
      <Dropdown.Toggle variant="outline-secondary" size="sm" className="no-caret" aria-label={t('image.more')}>
        <Icon name="more" />
      </Dropdown.Toggle>
      <Dropdown.Menu>
        {items.filter(Boolean).map(([icon, text, onClick]) => (
          <Dropdown.Item key={text} as="button" type="button" onClick={onClick}>
            <Icon name={icon} size={16} /> {text}
          </Dropdown.Item>
        ))}
      </Dropdown.Menu>
    </Dropdown>
  )
}

/** What can be done with one picture. `actions` come from useImageActions. */
export default function ImageActions({ image, actions, onReuse, onCompare, onDelete }) {
  const { t } = useTranslation()
  const linkOf = usePictureDownload()
  const { draws, refers } = useAbilities()
  if (image.deleted_at) {
    return (
      <Button variant="outline-secondary" size="sm" onClick={() => actions.restore([image.id])}>
        <Icon name="restore" /> {t('gallery.restore')}
      </Button>
    )
  }
  return (
    <div className="actions">
      <ReuseMenu image={image} onReuse={onReuse} />
      {draws && (
        <Button variant="outline-secondary" size="sm" onClick={() => onReuse(image, 'picture')}>
          <Icon name="brush" /> {t('image.edit')}
        </Button>
      )}
      {refers && (
        <Button variant="outline-secondary" size="sm" onClick={() => onReuse(image, 'reference')}>
          <Icon name="layers" /> {t('references.use')}
        </Button>
      )}
      <Button variant="outline-secondary" size="sm" onClick={() => actions.vary(image)}>
        <Icon name="vary" /> {t('image.vary')}
      </Button>
      <Button variant="outline-secondary" size="sm" {...linkOf(image)}>
        <Icon name="download" /> {t('common.download')}
      </Button>
      <FavouriteButton image={image} className="btn btn-sm btn-outline-secondary" onFavour={actions.favour} />
      <MoreMenu image={image} actions={actions} onCompare={onCompare} onDelete={onDelete} />
    </div>
  )
}
