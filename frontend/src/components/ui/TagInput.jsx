import { useId, useState } from 'react'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useKnownTags } from '../../hooks/images/cards/useKnownTags.js'

/** Longer than any tag: several are written at once. */
const MOST_CHARACTERS = 200

/** The tags of what was written, between the commas of any keyboard. */
function tagsOf(text) {
  return [...new Set(text.split(/[,，、]/).map((name) => name.trim()))].filter(Boolean)
}

/** Where tags are written, with commas between them; Enter gives each to `onTag`. */
export default function TagInput({ onTag }) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const known = useKnownTags()
  const listId = useId()
  const tag = (event) => {
    event.preventDefault()
    for (const one of tagsOf(name)) onTag(one)
    setName('')
  }
  return (
    <form onSubmit={tag}>
      <Form.Control
        size="sm"
        list={listId}
        onFocus={known.look}
        className="tag-input"
        maxLength={MOST_CHARACTERS}
        aria-label={t('image.addTag')}
        placeholder={t('image.addTag')}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <datalist id={listId}>
        {known.tags.map((tag) => (
          <option key={tag} value={tag} />
        ))}
      </datalist>
    </form>
  )
}
