import { useState } from 'react'
import Button from 'react-bootstrap/Button'
import Form from 'react-bootstrap/Form'
import InputGroup from 'react-bootstrap/InputGroup'
import { useTranslation } from 'react-i18next'

import { useDrawnSize } from '../../hooks/generate/useDrawnSize.js'
import { useLibraryEdits } from '../../hooks/generate/useLibraryEdits.js'
import { applyPreset } from '../../lib/generate/library.js'
import Field from '../ui/Field.jsx'
import Icon from '../ui/Icon.jsx'

function Preset({ preset, onApply, onDrop }) {
  const { t } = useTranslation()
  const { name, settings } = preset
  const drawn = useDrawnSize(settings) ?? settings
  const deleteText = t('library.deleteNamed', { name })
  return (
    <li className="library-item">
      <button type="button" className="library-apply" onClick={onApply}>
        <strong>{name}</strong>
        <span className="muted">
          {drawn.width} × {drawn.height} · {settings.prompt || t('library.noPrompt')}
        </span>
      </button>
      <button type="button" className="icon-button" aria-label={deleteText} title={deleteText} onClick={onDrop}>
        <Icon name="trash" size={16} />
      </button>
    </li>
  )
}

/** Saves the form under a name and brings such a preset back. */
export default function PresetEditor({ settings, library, onApply }) {
  const { t } = useTranslation()
  const edits = useLibraryEdits(library)
  const [name, setName] = useState('')
  const isKnown = library.presets.some((preset) => preset.name === name.trim())
  const save = (event) => {
    event.preventDefault()
    if (!name.trim()) return
    edits.savePreset(name.trim(), settings)
    setName('')
  }
  return (
    <section>
      <form onSubmit={save}>
        <Field label={t('library.presets')} hint={t('library.presetsHint')}>
          {(control) => (
            <InputGroup>
              <Form.Control
                {...control}
                maxLength={60}
                placeholder={t('library.name')}
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
              <Button type="submit" variant="outline-secondary">
                {isKnown ? t('library.replace', { name: name.trim() }) : t('library.save')}
              </Button>
            </InputGroup>
          )}
        </Field>
      </form>
      <ul className="library-list">
        {library.presets.map((preset) => (
          <Preset
            key={preset.name}
            preset={preset}
            onApply={() => onApply(applyPreset(preset, settings.prompt))}
            onDrop={() => edits.dropPreset(preset)}
          />
        ))}
      </ul>
    </section>
  )
}
