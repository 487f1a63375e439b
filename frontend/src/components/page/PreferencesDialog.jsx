import { useState } from 'react'
import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import { addPreferenceTexts } from '../../i18n/preferences.js'
import './PreferencesDialog.css'
import DialogHead from '../ui/DialogHead.jsx'
import AttentionPreferences from './AttentionPreferences.jsx'
import DownloadPreferences from './DownloadPreferences.jsx'
import LookPreferences from './LookPreferences.jsx'
import PreferencesFile from './PreferencesFile.jsx'

/** All that a person can choose about this page, in one place. */
export default function PreferencesDialog({ onClose }) {
  const { t, i18n } = useTranslation()
  useState(() => addPreferenceTexts(i18n)) // Once, before the texts are read.
  return (
    <Modal show centered scrollable className="preferences" aria-labelledby="preferences-title" onHide={onClose}>
      <Modal.Body>
        <DialogHead id="preferences-title" onClose={onClose}>
          {t('preferences.title')}
        </DialogHead>
        <LookPreferences />
        <DownloadPreferences />
        <AttentionPreferences />
        <PreferencesFile />
      </Modal.Body>
    </Modal>
  )
}
