import { useState } from 'react'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import Icon from './Icon.jsx'

/** A picture's tags: each can be taken away, another one added. */
export default function TagEditor({ image, onTag }) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const tags = image.tags ?? []
  const add = (event) => {
    event.preventDefault()
    if (name.trim()) onTag([image.id], name.trim())
    setName('')
  }
  return (
    <form className="tag-editor" onSubmit={add}>
      {tags.map((tag) => (
        <button
          key={tag}
          type="button"
          className="chip"
          aria-label={t('image.untag', { tag })}
          onClick={() => onTag([image.id], tag, false)}
        >
          {tag} <Icon name="close" size={12} />
        </button>
      ))}
      <Form.Control
        size="sm"
        className="tag-input"
        maxLength={40}
        aria-label={t('image.addTag')}
        placeholder={t('image.addTag')}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
    </form>
  )
}
