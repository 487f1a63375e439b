import { useTranslation } from 'react-i18next'

import Icon from './Icon.jsx'

/** A dialog's title and its way out. */
export default function DialogHead({ id, children, onClose }) {
  const { t } = useTranslation()
  return (
    <div className="panel-head">
      <h2 id={id}>{children}</h2>
      <button type="button" className="icon-button" aria-label={t('common.close')} onClick={onClose}>
        <Icon name="close" />
      </button>
    </div>
  )
}
