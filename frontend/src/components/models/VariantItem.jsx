import { useEffect, useId, useRef } from 'react'
import { useTranslation } from 'react-i18next'

import { useAnnounce } from '../../hooks/ui/useAnnounce.js'
import { hasRemains, needsOf, reasonOf, sizeOf } from '../../lib/models/variants.js'
import DeleteModel from './DeleteModel.jsx'
import DownloadControl from './DownloadControl.jsx'

/** Says when a variant has arrived. */
function useArrival(name, model) {
  const { t } = useTranslation()
  const announce = useAnnounce()
  const was = useRef(model)
  useEffect(() => {
    if (model && !was.current) announce(t('models.arrived', { name }))
    was.current = model
  }, [model, name, announce, t])
}

function Files({ variant }) {
  const { t } = useTranslation()
  return (
    <ul className="variant-files muted">
      {variant.files.map(({ part, file, size_bytes: bytes, here }) => (
        <li key={part}>
          {t(`models.part.${part}`)}: {file} · {sizeOf(bytes)}
          {here && ` · ${t('models.here')}`}
        </li>
      ))}
    </ul>
  )
}

/** A published variant of a model: its size, what it needs here, why it is recommended, and the way to get it. */
export default function VariantItem({ variant, modelName, roomBytes }) {
  const { t } = useTranslation()
  const id = useId()
  const label = variant.files.length === 0 ? t('models.published') : variant.label
  const name = `${modelName} (${label})`
  const [how, needs] = needsOf(variant)
  const { recommended, model } = variant
  const hasRoom = variant.missing_bytes <= roomBytes
  useArrival(name, model)
  return (
    <li className="variant-item">
      <div className="model-head">
        <strong>{label}</strong>
        {recommended && <span className="task-badge model-loaded">{t('models.recommended')}</span>}
        {model && <span className="task-badge model-installed">{t('models.installed')}</span>}
      </div>
      {recommended && (
        <p>
          {t(`models.why.${reasonOf(variant)}`, needs)} {recommended.short_of_disk && t('models.shortOfDisk')}
        </p>
      )}
      <p className="muted">
        {sizeOf(variant.size_bytes)} · {variant.licence} · {variant.repositories.join(', ')}
      </p>
      <Files variant={variant} />
      <p>
        {t(`models.quality.${variant.quality}`)} {t(`models.needs.${how}`, needs)}
      </p>
      {!model && (
        <div className="model-offer">
          {!hasRoom && <p id={id}>{t('models.noRoom')}</p>}
          <DownloadControl variant={variant} name={name} disabled={!hasRoom} describedBy={hasRoom ? undefined : id} />
          {hasRemains(variant) && <DeleteModel id={variant.id} name={name} />}
        </div>
      )}
    </li>
  )
}
