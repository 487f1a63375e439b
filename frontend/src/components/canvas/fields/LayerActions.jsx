import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import Icon from '../../ui/Icon.jsx'
import CanvasIcon from '../CanvasIcon.jsx'

/** What is done to a whole layer. */
export default function LayerActions({ mode, act }) {
  const { t } = useTranslation()
  return (
    <div className="canvas-actions" role="group" aria-label={t('canvas.actions')}>
      <Button variant="outline-secondary" size="sm" onClick={act.fill}>
        <CanvasIcon name="fill" size={16} /> {t('canvas.fill')}
      </Button>
      <Button variant="outline-secondary" size="sm" onClick={act.clear}>
        <Icon name="close" size={16} /> {t('canvas.clear')}
      </Button>
      {mode === 'mask' && (
        <Button variant="outline-secondary" size="sm" onClick={act.invert}>
          <CanvasIcon name="invert" size={16} /> {t('canvas.invert')}
        </Button>
      )}
    </div>
  )
}
