import { useState } from 'react'
import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import { useModels } from '../../hooks/server/useModels.js'
import { useVariants } from '../../hooks/server/useVariants.js'
import { addModelTexts } from '../../i18n/models.js'
import { sizeOf } from '../../lib/models/variants.js'
import './ModelDialog.css'
import DialogHead from '../ui/DialogHead.jsx'
import ControlFiles from './ControlFiles.jsx'
import QueryFaces from '../ui/QueryFaces.jsx'
import ModelItem from './ModelItem.jsx'
import RefusedFiles from './RefusedFiles.jsx'

/** Which models there are, which one is in use, how to get those that are missing, and how to be rid of one. */
export default function ModelDialog({ onClose }) {
  const { t, i18n } = useTranslation()
  useState(() => addModelTexts(i18n)) // Once, before the texts are read.
  const query = useModels({ isWatched: true })
  const published = useVariants()
  const { variants = [], room_bytes: roomBytes = 0 } = published.data ?? {}
  return (
    <Modal show centered scrollable className="models" aria-labelledby="models-title" onHide={onClose}>
      <Modal.Body>
        <DialogHead id="models-title" onClose={onClose}>
          {t('models.title')}
        </DialogHead>
        <QueryFaces query={query}>
          {({ models, loaded, controls, refused }) => (
            <>
              <QueryFaces query={published}>
                {() => <p className="muted">{t('models.room', { size: sizeOf(roomBytes) })}</p>}
              </QueryFaces>
              <ul className="model-list">
                {models.map((model) => (
                  <ModelItem
                    key={model.id}
                    model={model}
                    loaded={loaded}
                    variants={variants.filter((variant) => variant.of === model.id)}
                    roomBytes={roomBytes}
                  />
                ))}
              </ul>
              <ControlFiles controls={controls} />
              <RefusedFiles files={refused} />
            </>
          )}
        </QueryFaces>
      </Modal.Body>
    </Modal>
  )
}
