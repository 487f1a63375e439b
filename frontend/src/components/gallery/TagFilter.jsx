import { useId } from 'react'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useKnownTags } from '../../hooks/images/cards/useKnownTags.js'

/** The tag that pictures must have; those that are known are offered. */
export default function TagFilter({ value, onChange }) {
  const { t } = useTranslation()
  const known = useKnownTags()
  const listId = useId()
  return (
    <>
      <Form.Control
        size="sm"
        list={listId}
        aria-label={t('filter.tag')}
        placeholder={t('filter.tag')}
        value={value}
        onFocus={known.look}
        onChange={(event) => onChange(event.target.value)}
      />
      <datalist id={listId}>
        {known.tags.map((tag) => (
          <option key={tag} value={tag} />
        ))}
      </datalist>
    </>
  )
}
