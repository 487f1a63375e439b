import { useRef } from 'react'
import Button from 'react-bootstrap/Button'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useHasKeyboard } from '../../hooks/input/useHasKeyboard.js'
import { useLoraUpload } from '../../hooks/loras/useLoraUploads.js'
import { SORTS } from '../../lib/loras/catalogue.js'
import { LORA_FILES } from '../../lib/loras/files.js'
import Icon from '../ui/Icon.jsx'

/** Chooses files to send. */
function UploadButton() {
  const { t } = useTranslation()
  const { add } = useLoraUpload()
  const ref = useRef(null)
  // Phones know no such ending, and would let nothing be chosen.
  const accept = useHasKeyboard() ? LORA_FILES : undefined
  const choose = ({ target }) => {
    const files = [...target.files]
    target.value = '' // The same file may be chosen again.
    if (files.length > 0) add(files)
  }
  return (
    <>
      <Button variant="outline-secondary" title={t('loras.uploadHint')} onClick={() => ref.current.click()}>
        <Icon name="plus" size={16} /> {t('loras.upload')}
      </Button>
      <input ref={ref} type="file" accept={accept} multiple hidden data-testid="lora-file" onChange={choose} />
    </>
  )
}

/** What is searched for and how it is sorted. ↓ in the search goes `onDown` to what was found, Enter chooses the only one. */
export default function PickerBar({ filter, searchRef, onFilter, onDown, onEnter }) {
  const { t } = useTranslation()
  const keys = { ArrowDown: onDown, Enter: onEnter }
  const onKeyDown = (event) => {
    if (!Object.hasOwn(keys, event.key) || event.nativeEvent.isComposing) return
    event.preventDefault()
    keys[event.key]()
  }
  return (
    <div className="lora-bar">
      <Form.Control
        ref={searchRef}
        type="search"
        aria-label={t('loras.search')}
        placeholder={t('loras.search')}
        value={filter.search}
        onChange={({ target }) => onFilter({ ...filter, search: target.value })}
        onKeyDown={onKeyDown}
      />
      <Form.Select
        aria-label={t('loras.sort')}
        value={filter.sort}
        onChange={({ target }) => onFilter({ ...filter, sort: target.value })}
      >
        {SORTS.map((sort) => (
          <option key={sort} value={sort}>
            {t(`loras.sorts.${sort}`)}
          </option>
        ))}
      </Form.Select>
      <UploadButton />
    </div>
  )
}
