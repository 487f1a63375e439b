import Dropdown from 'react-bootstrap/Dropdown'
import { useTranslation } from 'react-i18next'

import { countTags } from '../../lib/images/pictures.js'
import Icon from '../ui/Icon.jsx'

/** Takes a tag away from those of the pictures that have it; nothing where none has any. */
export default function UntagMenu({ images, onUntag }) {
  const { t } = useTranslation()
  const tags = countTags(images)
  if (tags.length === 0) return null
  return (
    <Dropdown drop="up">
      <Dropdown.Toggle variant="outline-secondary" size="sm" title={t('gallery.untag')}>
        <Icon name="tag" size={16} /> <span className="visually-hidden">{t('gallery.untag')}</span>
      </Dropdown.Toggle>
      <Dropdown.Menu className="bulk-tags">
        {tags.map(({ tag, count }) => (
          <Dropdown.Item key={tag} as="button" type="button" onClick={() => onUntag(tag)}>
            {tag} <span className="muted">{count}</span>
          </Dropdown.Item>
        ))}
      </Dropdown.Menu>
    </Dropdown>
  )
}
