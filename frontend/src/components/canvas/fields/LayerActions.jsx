import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { reshapeStep } from '../../../lib/canvas/settings.js'
import Icon from '../../ui/Icon.jsx'
import CanvasIcon from '../CanvasIcon.jsx'

/** What is done to a whole layer. */
export default function LayerActions({ mode, size, act }) {
  const { t } = useTranslation()
  const px = reshapeStep(size)
  return (
    <div className="canvas-actions" role="group" aria-label={t('canvas.actions')}>
      <Button variant="outline-secondary" size="sm" onClick={act.fill}>
        <CanvasIcon name="fill" size={16} /> {t('canvas.fill')}
      </Button>
      <Button variant="outline-secondary" size="sm" onClick={act.clear}>
        <Icon name="close" size={16} /> {t('canvas.clear')}
      </Button>
      {mode === 'mask' && (
        <>
          <Button variant="outline-secondary" size="sm" onClick={act.invert}>
            <CanvasIcon name="invert" size={16} /> {t('canvas.invert')}
          </Button>
          <Button variant="outline-secondary" size="sm" onClick={act.grow}>
            <Icon name="plus" size={16} /> {t('canvas.grow', { px })}
          </Button>
          <Button variant="outline-secondary" size="sm" onClick={act.shrink}>
            <Icon name="minus" size={16} /> {t('canvas.shrink', { px })}
          </Button>
        </>
      )}
    </div>
  )
}
