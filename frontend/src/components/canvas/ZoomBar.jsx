import { useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'

import Icon from '../ui/Icon.jsx'
import CanvasIcon from './CanvasIcon.jsx'

/** How large the picture is shown. */
export default function ZoomBar({ view }) {
  const { t } = useTranslation()
  const { scale } = useSyncExternalStore(view.subscribe, view.getView)
  const button = (text, key, onClick, icon) => (
    <button type="button" className="icon-button" aria-label={text} title={t('canvas.withKey', { text, key })} onClick={onClick}>
      {icon}
    </button>
  )
  return (
    <div className="canvas-zoom" role="group" aria-label={t('canvas.zoom')}>
      {button(t('canvas.zoomOut'), '−', view.zoomOut, <Icon name="minus" size={16} />)}
      <span className="canvas-scale">{t('canvas.percent', { percent: scale < 0.1 ? (scale * 100).toFixed(1) : Math.round(scale * 100) })}</span>
      {button(t('canvas.zoomIn'), '+', view.zoomIn, <Icon name="plus" size={16} />)}
      {button(t('canvas.fit'), '0', view.fit, <CanvasIcon name="fit" size={16} />)}
      {button(t('canvas.actual'), '1', view.actual, <CanvasIcon name="actual" size={16} />)}
    </div>
  )
}
