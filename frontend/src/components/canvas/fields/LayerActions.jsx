import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { reshapeStep } from '../../../lib/canvas/settings.js'
import Icon from '../../ui/Icon.jsx'
import CanvasIcon from '../CanvasIcon.jsx'

/** What is done to a whole layer. */
export default function LayerActions({ mode, size, act }) {
  const { t } = useTranslation()
  const px = reshapeStep(size)
  const button = (icon, text, onClick) => (
    <Button variant="outline-secondary" size="sm" onClick={onClick}>
      {icon} {text}
    </Button>
  )
  return (
    <div className="canvas-layer" role="group" aria-label={t('canvas.actions')}>
      <div className="canvas-actions">
        {button(<CanvasIcon name="fill" size={16} />, t('canvas.fill'), act.fill)}
        {button(<Icon name="close" size={16} />, t('canvas.clear'), act.clear)}
        {mode === 'mask' && button(<CanvasIcon name="invert" size={16} />, t('canvas.invert'), act.invert)}
      </div>
      {mode === 'mask' && (
        <div className="canvas-actions">
          {button(<Icon name="plus" size={16} />, t('canvas.grow', { px }), act.grow)}
          {button(<Icon name="minus" size={16} />, t('canvas.shrink', { px }), act.shrink)}
        </div>
      )}
    </div>
  )
}
