import { useTranslation } from 'react-i18next'

import Icon from '../ui/Icon.jsx'
import ImageActions from './ImageActions.jsx'
import ImageDetails from './ImageDetails.jsx'
import Relatives from './Relatives.jsx'
import TagEditor from './TagEditor.jsx'

/** What is known of the picture that is seen in full, and what can be done with it. */
export default function LightboxInfo({ image, title, actions, onReuse, onCompare, onDelete, onClose }) {
  const { t } = useTranslation()
  return (
    <aside className="lightbox-info">
      <div className="panel-head">
        <span className="muted">{title}</span>
        <button type="button" className="icon-button" aria-label={t('common.close')} onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <p className="prompt-text">{image.prompt}</p>
      <ImageDetails image={image} />
      <Relatives image={image} />
      {!image.deleted_at && <TagEditor image={image} onTag={actions.tag} />}
      <ImageActions image={image} actions={actions} onReuse={onReuse} onCompare={onCompare} onDelete={onDelete} />
    </aside>
  )
}
