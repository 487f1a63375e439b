import { useTranslation } from 'react-i18next'

import Icon from '../../ui/Icon.jsx'

/** Turns a picture on its side. */
export default function SwapButton({ width, height, className, onChange }) {
  const { t } = useTranslation()
  return (
    <button
      type="button"
      className={className}
      aria-label={t('form.swap')}
      title={t('form.swap')}
      onClick={() => onChange({ width: height, height: width })}
    >
      <Icon name="swap" />
    </button>
  )
}
