import { useRef, useState } from 'react'
import Button from 'react-bootstrap/Button'
import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import { useHasKeyboard } from '../../hooks/input/useHasKeyboard.js'
import { useLoras } from '../../hooks/loras/useLoras.js'
import { useLoraUploads } from '../../hooks/loras/useLoraUploads.js'
import { addLoraTexts } from '../../i18n/loras.js'
import { toggleLora } from '../../lib/generate/loras.js'
import { findLoras } from '../../lib/loras/catalogue.js'
import DialogHead from '../ui/DialogHead.jsx'
import QueryFaces from '../ui/QueryFaces.jsx'
import LoraGrid from './LoraGrid.jsx'
import './LoraPicker.css'
import LoraUploads from './LoraUploads.jsx'
import PickerBar from './PickerBar.jsx'

/** Where there is nothing to choose: no file at all, or none that the search means. */
function Nothing({ isEmpty, onAll }) {
  const { t } = useTranslation()
  if (!isEmpty) {
    return (
      <div className="lora-nothing">
        <p className="empty-title">{t('loras.noMatch')}</p>
        <Button variant="outline-secondary" size="sm" onClick={onAll}>
          {t('loras.showAll')}
        </Button>
      </div>
    )
  }
  return (
    <div className="lora-nothing">
      <p className="empty-title">{t('loras.none')}</p>
      <p className="muted">{t('loras.noneHint')}</p>
    </div>
  )
}

/** All LoRAs that are here, to choose some of: by looking, by searching, by keyboard alone. New ones are sent from here. `model` is the one that draws. */
export default function LoraPicker({ loras: chosen, model, onChange, onClose }) {
  const { t, i18n } = useTranslation()
  useState(() => addLoraTexts(i18n)) // Once, before the texts are read.
  const [filter, setFilter] = useState({ search: '', sort: 'name' })
  const search = useRef(null)
  const grid = useRef(null)
  const hasKeyboard = useHasKeyboard()
  const { query } = useLoras(model, { isWatched: true })
  const uploads = useLoraUploads()
  const found = findLoras(query.data?.loras ?? [], filter)
  const toggle = (lora) => onChange({ loras: toggleLora(chosen, lora) })
  return (
    <Modal
      show
      centered
      scrollable
      size="xl"
      className="lora-picker"
      aria-labelledby="lora-picker-title"
      onEntered={() => hasKeyboard && search.current?.focus()}
      onHide={onClose}
    >
      <div className="modal-header">
        <DialogHead id="lora-picker-title" onClose={onClose}>
          {t('loras.title')}
        </DialogHead>
        <PickerBar
          filter={filter}
          searchRef={search}
          onFilter={setFilter}
          onDown={() => grid.current?.querySelector('[tabindex="0"]')?.focus()}
          onEnter={() => found.length === 1 && !found[0].problem && toggle(found[0])}
        />
        <LoraUploads uploads={uploads} />
      </div>
      <Modal.Body>
        <QueryFaces query={query}>
          {({ loras }) =>
            found.length > 0 ? (
              <LoraGrid
                ref={grid}
                loras={found}
                chosen={chosen}
                fresh={uploads.map(({ name }) => name)}
                onToggle={toggle}
                onLeave={() => search.current?.focus()}
              />
            ) : (
              <Nothing isEmpty={loras.length === 0} onAll={() => setFilter({ ...filter, search: '' })} />
            )
          }
        </QueryFaces>
      </Modal.Body>
      <Modal.Footer>
        <p className="muted">
          {t('loras.chosen', { count: chosen.length })}
          {query.data?.n_unread > 0 && ` · ${t('loras.reading', { count: query.data.n_unread })}`}
          <span className="lora-drop-hint"> · {t('loras.dropHint')}</span>
        </p>
        <Button onClick={onClose}>{t('loras.done')}</Button>
      </Modal.Footer>
    </Modal>
  )
}
