import { useTranslation } from 'react-i18next'

import Icon from './Icon.jsx'

/** Brings one field back to its default. */
export default function ResetButton({ label, onReset }) {
  const { t } = useTranslation()
  const text = t('form.resetField', { field: label })
  return (
    <button type="button" className="field-reset" aria-label={text} title={text} onClick={onReset}>
      <Icon name="undo" size={14} />
    </button>
  )
}
