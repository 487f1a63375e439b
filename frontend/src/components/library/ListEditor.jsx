import { useState } from 'react'
import Button from 'react-bootstrap/Button'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useLibraryEdits } from '../../hooks/generate/useLibraryEdits.js'
import { parseList } from '../../lib/generate/expand.js'
import { toListName } from '../../lib/generate/library.js'
import Field from '../ui/Field.jsx'
import Icon from '../ui/Icon.jsx'

function SavedList({ name, entries, onEdit, onDrop }) {
  const { t } = useTranslation()
  const deleteText = t('library.deleteNamed', { name })
  return (
    <li className="library-item">
      <button type="button" className="library-apply" onClick={onEdit}>
        <strong>__{name}__</strong>
        <span className="muted">{entries.join(' | ')}</span>
      </button>
      <button type="button" className="icon-button" aria-label={deleteText} title={deleteText} onClick={onDrop}>
        <Icon name="trash" size={16} />
      </button>
    </li>
  )
}

/** The lists that `__name__` stands for. */
export default function ListEditor({ library }) {
  const { t } = useTranslation()
  const edits = useLibraryEdits(library)
  const [name, setName] = useState('')
  const [text, setText] = useState('')
  const listName = toListName(name)
  const edit = (known) => {
    setName(known)
    setText(library.lists[known].join('\n'))
  }
  const save = (event) => {
    event.preventDefault()
    if (!listName) return
    edits.saveList(listName, parseList(text))
    setName('')
    setText('')
  }
  return (
    <form className="list-editor" onSubmit={save}>
      <Field label={t('library.lists')} hint={t('library.listsHint', { example: '{red|blue}' })}>
        {(control) => (
          <Form.Control
            {...control}
            maxLength={40}
            placeholder={t('library.name')}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <Field label={t('library.entries')}>
        {(control) => (
          <Form.Control
            {...control}
            as="textarea"
            rows={3}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
      <Button type="submit" variant="outline-secondary" disabled={!listName || parseList(text).length === 0}>
        {Object.hasOwn(library.lists, listName) ? t('library.replace', { name: listName }) : t('library.saveList')}
      </Button>
      <ul className="library-list">
        {Object.entries(library.lists).map(([known, entries]) => (
          <SavedList
            key={known}
            name={known}
            entries={entries}
            onEdit={() => edit(known)}
            onDrop={() => edits.dropList(known)}
          />
        ))}
      </ul>
    </form>
  )
}
