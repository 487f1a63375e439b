import { useTranslation } from 'react-i18next'

import Icon from '../ui/Icon.jsx'
import TagInput from '../ui/TagInput.jsx'

/** A picture's tags: each can be taken away, another one added. */
export default function TagEditor({ image, onTag }) {
  const { t } = useTranslation()
  const { id, tags = [] } = image
  return (
    <div className="tag-editor">
      {tags.map((tag) => (
        <button
          key={tag}
          type="button"
          className="chip"
          aria-label={t('image.untag', { tag })}
          onClick={() => onTag([id], tag, false)}
        >
          {tag} <Icon name="close" size={12} />
        </button>
      ))}
      <TagInput onTag={(tag) => onTag([id], tag)} />
    </div>
  )
}
