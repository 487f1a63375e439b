import { useTranslation } from 'react-i18next'

import Icon from '../ui/Icon.jsx'

const FIT = 'M3.500 7.500v-4h4M12.500 3.500h4v4M16.500 12.500v4h-4M7.500 16.500h-4v-4'

/** How near one looks, and how the pictures lie: `onLine` where they can lie on each other, too. */
export default function CompareBar({ zoom, isLine, onLine }) {
  const { t } = useTranslation()
  const button = (text, key, onClick, icon) => (
    <button type="button" className="icon-button" aria-label={text} title={`${text} (${key})`} onClick={onClick}>
      {icon}
    </button>
  )
  return (
    <div className="compare-bar">
      {onLine && (
        <div className="segments" role="group" aria-label={t('compare.how')}>
          <button type="button" aria-pressed={isLine} onClick={() => onLine(true)}>
            {t('compare.line')}
          </button>
          <button type="button" aria-pressed={!isLine} onClick={() => onLine(false)}>
            {t('compare.beside')}
          </button>
        </div>
      )}
      <div className="compare-zoom" role="group" aria-label={t('compare.zoom')}>
        {button(t('compare.zoomOut'), '−', zoom.zoomOut, <Icon name="minus" size={16} />)}
        <output className="compare-scale">{t('compare.scale', { scale: Math.round(10 * zoom.scale) / 10 })}</output>
        {button(t('compare.zoomIn'), '+', zoom.zoomIn, <Icon name="plus" size={16} />)}
        {button(t('compare.fit'), '0', zoom.fit, <Icon path={FIT} size={16} />)}
      </div>
    </div>
  )
}
