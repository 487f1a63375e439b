import { useTranslation } from 'react-i18next'

import { isInView } from '../../lib/models/variants.js'
import VariantItem from './VariantItem.jsx'

function Items({ variants, ...shared }) {
  return (
    <ul className="variant-list">
      {variants.map((variant) => (
        <VariantItem key={variant.id} variant={variant} {...shared} />
      ))}
    </ul>
  )
}

/** The variants of a model: the one for this machine and what is on its way at once, the others when asked for. */
export default function VariantList({ variants, modelName, roomBytes }) {
  const { t } = useTranslation()
  const [seen, others] = [variants.filter(isInView), variants.filter((variant) => !isInView(variant))]
  return (
    <>
      <Items variants={seen} modelName={modelName} roomBytes={roomBytes} />
      {others.length > 0 && (
        <details className="variant-others">
          <summary aria-label={t('models.named', { action: t('models.more', { count: others.length }), name: modelName })}>
            {t('models.more', { count: others.length })}
          </summary>
          <Items variants={others} modelName={modelName} roomBytes={roomBytes} />
        </details>
      )}
    </>
  )
}
