import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import './LibraryDialog.css'
import DialogHead from '../ui/DialogHead.jsx'
import ListEditor from './ListEditor.jsx'
import PresetEditor from './PresetEditor.jsx'

/** Saved presets and styles, and the lists of a prompt's `__names__`. */
export default function LibraryDialog({ settings, library, onApply, onClose }) {
  const { t } = useTranslation()
  return (
    <Modal show centered scrollable className="library" aria-labelledby="library-title" onHide={onClose}>
      <Modal.Body>
        <DialogHead id="library-title" onClose={onClose}>
          {t('library.title')}
        </DialogHead>
        <PresetEditor
          settings={settings}
          library={library}
          onApply={(patch) => {
            onApply(patch)
            onClose()
          }}
        />
        <ListEditor library={library} />
      </Modal.Body>
    </Modal>
  )
}
