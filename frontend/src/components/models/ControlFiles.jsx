import { useTranslation } from 'react-i18next'

import { sizeOf } from '../../lib/models/variants.js'

/** ControlNets in the folders of models: which kind each is, and how large. */
export default function ControlFiles({ controls }) {
  const { t } = useTranslation()
  if (!controls?.length) return null
  return (
    <details className="model-item">
      <summary>{t('models.controls', { count: controls.length })}</summary>
      <ul className="model-unused">
        {controls.map(({ name, kind, format, size_bytes: bytes }) => (
          <li key={name}>
            <strong>{name}</strong> {[kind, format, sizeOf(bytes)].join(' · ')}
          </li>
        ))}
      </ul>
    </details>
  )
}
