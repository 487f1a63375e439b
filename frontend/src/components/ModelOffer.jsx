import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useCopy } from '../hooks/useCopy.js'
import { fitOf } from '../lib/fit.js'
import { formatGb } from '../lib/format.js'
import Icon from './Icon.jsx'

/** How to get a model: its size, what this machine can make of it, and the command that loads it down. */
export default function ModelOffer({ model, system }) {
  const { t } = useTranslation()
  const copy = useCopy()
  if (!model.repository) return null
  const command = `hf download ${model.repository}`
  const fit = system && fitOf(model, system)
  return (
    <div className="model-offer">
      <p>
        {model.download_gb !== null && <>{t('models.size', { size: formatGb(model.download_gb) })} </>}
        {fit && t(`models.fit.${fit}`)}
      </p>
      <div className="model-command">
        <code>{command}</code>
        <Button variant="outline-secondary" size="sm" onClick={() => copy(command, t('models.copied'))}>
          <Icon name="copy" size={16} /> {t('models.copy')}
        </Button>
      </div>
    </div>
  )
}
