import { useTranslation } from 'react-i18next'

import { MOST_FEATHER } from '../../../lib/canvas/settings.js'
import RangeField from '../../ui/RangeField.jsx'

/** How far old and new fade into each other. */
export default function FeatherField({ value, hint, onChange }) {
  const { t } = useTranslation()
  return <RangeField label={t('canvas.feather')} text={t('canvas.px', { px: value })} hint={hint} value={value} min={0} max={MOST_FEATHER} onChange={onChange} />
}
