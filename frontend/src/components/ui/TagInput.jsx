import { useState } from 'react'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

/** Where a tag is written; Enter gives it to `onTag`. */
export default function TagInput({ onTag }) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const tag = (event) => {
    event.preventDefault()
    if (name.trim()) onTag(name.trim())
    setName('')
  }
  return (
    <form onSubmit={tag}>
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
