import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useErrorText } from '../../hooks/server/useErrorText.js'
import { useFreeMemory } from '../../hooks/server/useModels.js'
import Notice from '../ui/Notice.jsx'
import DeleteModel from './DeleteModel.jsx'
import ModelParts from './ModelParts.jsx'
import VariantList from './VariantList.jsx'

function stateOf(model, loaded) {
  if (!model.installed) return 'missing'
  return model.id === loaded ? 'loaded' : 'installed'
}

/** Whether a model can be ours to delete; the server has the last word. */
function isDeletable({ installed, member, demo, source }) {
  return (installed || Boolean(member)) && !demo && source !== 'hub cache'
}

/** Takes the model in use out of the memory, as soon as no task needs it; the next task brings one back. */
function FreeMemory() {
  const { t } = useTranslation()
  const { errorText } = useErrorText()
  const { mutate, isPending, error } = useFreeMemory()
  return (
    <>
      <Button size="sm" variant="outline-secondary" disabled={isPending} onClick={() => mutate()}>
        {t('models.free')}
      </Button>
      {error && <Notice tone="danger">{errorText(error)}</Notice>}
    </>
  )
}

/** What a model is: in the reader's language where it is one of ours, else as the server says it. */
function About({ model }) {
  const { t, i18n } = useTranslation()
  const key = `models.about.${model.id}`
  if (!i18n.exists(key)) {
    return (
      <p className="muted" lang="en">
        {model.description}
      </p>
    )
  }
  return <p className="muted">{t(key)}</p>
}

/** A model, its parts, its published variants, and what can be done with it. */
export default function ModelItem({ model, loaded, variants, roomBytes }) {
  const { t } = useTranslation()
  const state = stateOf(model, loaded)
  return (
    <li className="model-item">
      <div className="model-head">
        <strong>{model.name}</strong>
        <span className={`task-badge model-${state}`}>{t(`models.${state}`)}</span>
      </div>
      <About model={model} />
      {model.note && (
        <p className="model-note" lang="en">
          {model.note}
        </p>
      )}
      <ModelParts model={model} />
      <div className="model-offer">
        {state === 'loaded' && <FreeMemory />}
        {isDeletable(model) && <DeleteModel id={model.id} name={model.name} />}
      </div>
      {variants.length > 0 && <VariantList variants={variants} modelName={model.name} roomBytes={roomBytes} />}
    </li>
  )
}
