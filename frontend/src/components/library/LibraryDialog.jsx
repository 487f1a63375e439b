import { useState } from 'react'
import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import { addLibraryTexts } from '../../i18n/library.js'
import './LibraryDialog.css'
import DialogHead from '../ui/DialogHead.jsx'
import ListEditor from './ListEditor.jsx'
import PresetEditor from './PresetEditor.jsx'
import ReadyStyles from './ReadyStyles.jsx'

/** Saved presets and styles, and the lists of a prompt's `__names__`. */
export default function LibraryDialog({ settings, library, onApply, onClose }) {
  const { t, i18n } = useTranslation()
  useState(() => addLibraryTexts(i18n)) // Once, before the texts are read.
  const apply = (patch, said = t('library.applied')) => {
    onApply(patch, said)
    onClose()
  }
  return (
    <Modal show centered scrollable className="library" aria-labelledby="library-title" onHide={onClose}>
      <Modal.Body>
        <DialogHead id="library-title" onClose={onClose}>
          {t('library.title')}
        </DialogHead>
        <PresetEditor settings={settings} library={library} onApply={apply} />
        <ReadyStyles prompt={settings.prompt} onApply={apply} />
        <ListEditor library={library} />
      </Modal.Body>
    </Modal>
  )
}
