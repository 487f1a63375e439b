import { useEffect, useRef } from 'react'
import Button from 'react-bootstrap/Button'
import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import { useAnnounce } from '../../hooks/ui/useAnnounce.js'
import { useErrorText } from '../../hooks/server/useErrorText.js'
import { useFreeMemory, useModels } from '../../hooks/server/useModels.js'
import { useSystemStatus } from '../../hooks/server/useSystemStatus.js'
import './ModelDialog.css'
import DialogHead from '../ui/DialogHead.jsx'
import Notice from '../ui/Notice.jsx'
import ControlFiles from './ControlFiles.jsx'
import ModelOffer from './ModelOffer.jsx'
import ModelParts from './ModelParts.jsx'
import RefusedFiles from './RefusedFiles.jsx'
import QueryFaces from '../ui/QueryFaces.jsx'

function stateOf(model, loaded) {
  if (!model.installed) return 'missing'
  return model.id === loaded ? 'loaded' : 'installed'
}

/** Says when a model has arrived. */
function useArrival({ name, installed }) {
  const { t } = useTranslation()
  const announce = useAnnounce()
  const was = useRef(installed)
  useEffect(() => {
    if (installed && !was.current) announce(t('models.arrived', { name }))
    was.current = installed
  }, [installed, name, announce, t])
}

/** Takes the model in use out of the memory, as soon as no task needs it; the next task brings one back. */
function FreeMemory() {
  const { t } = useTranslation()
  const { errorText } = useErrorText()
  const { mutate, isPending, error } = useFreeMemory()
  return (
    <div className="model-offer">
      <Button size="sm" variant="outline-secondary" disabled={isPending} onClick={() => mutate()}>
        {t('models.free')}
      </Button>
      {error && <Notice tone="danger">{errorText(error)}</Notice>}
    </div>
  )
}

function ModelItem({ model, loaded, system }) {
  const { t } = useTranslation()
  const state = stateOf(model, loaded)
  useArrival(model)
  return (
    <li className="model-item">
      <div className="model-head">
        <strong>{model.name}</strong>
        <span className={`task-badge model-${state}`}>{t(`models.${state}`)}</span>
      </div>
      <p className="muted" lang="en">
        {model.description}
      </p>
      {model.note && (
        <p className="model-note" lang="en">
          {model.note}
        </p>
      )}
      <ModelParts model={model} />
      {!model.installed && <ModelOffer model={model} system={system} />}
      {state === 'loaded' && <FreeMemory />}
    </li>
  )
}

/** Which models there are, which one is in use, and how to get those that are missing. */
export default function ModelDialog({ onClose }) {
  const { t } = useTranslation()
  const query = useModels({ isWatched: true })
  const { data: system } = useSystemStatus()
  return (
    <Modal show centered scrollable className="models" aria-labelledby="models-title" onHide={onClose}>
      <Modal.Body>
        <DialogHead id="models-title" onClose={onClose}>
          {t('models.title')}
        </DialogHead>
        <QueryFaces query={query}>
          {({ models, loaded, controls, refused }) => (
            <>
              <ul className="model-list">
                {models.map((model) => (
                  <ModelItem key={model.id} model={model} loaded={loaded} system={system} />
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
