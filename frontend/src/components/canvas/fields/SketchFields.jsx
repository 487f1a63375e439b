import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { grows } from '../../../lib/canvas/outpaint.js'
import Notice from '../../ui/Notice.jsx'
import CanvasIcon from '../CanvasIcon.jsx'

/** The mask of a sketch: where only a part is drawn anew, paint outside of it stays as it is. */
export default function SketchFields({ mode, state, act }) {
  const { t } = useTranslation()
  if (!state.hasSketch) return null
  const isPart = state.share > 0 || grows(state.outpaint)
  const isLoose = isPart && state.isSketchLoose
  return (
    <>
      {isLoose && <Notice tone="warning">{t('canvas.sketchLoose')}</Notice>}
      {(isLoose || mode === 'sketch') && (
        <div className="canvas-actions">
          <Button variant="outline-secondary" size="sm" onClick={act.maskSketch}>
            <CanvasIcon name="mask" size={16} /> {t('canvas.maskSketch')}
          </Button>
        </div>
      )}
    </>
  )
}
