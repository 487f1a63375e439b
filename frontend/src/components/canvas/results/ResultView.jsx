import { useRef } from 'react'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useZoom } from '../../../hooks/input/useZoom.js'
import { useZoomKeys } from '../../../hooks/input/useZoomKeys.js'
import BeforeAfter from '../../ui/BeforeAfter.jsx'
import Icon from '../../ui/Icon.jsx'

/** A result over the canvas, with what it was drawn from, and the way to go on from it. `image` is what is painted on. */
export default function ResultView({ image, result, onUse, onClose }) {
  const { t } = useTranslation()
  const stage = useRef(null)
  const zoom = useZoom(result.id, stage)
  useZoomKeys(zoom)
  const { width, height, outpaint, prompt, download_url: url } = result
  return (
    <section className="canvas-result" aria-label={t('canvas.result')}>
      <div className="canvas-result-stage" ref={stage} {...zoom.handlers}>
        <BeforeAfter
          before={{ url: image.url, alt: t('canvas.before'), label: t('canvas.before'), growth: outpaint }}
          after={{ url, alt: prompt, label: t('canvas.after') }}
          width={width}
          height={height}
          zoom={zoom}
        />
      </div>
      <div className="canvas-result-actions">
        <Button size="sm" onClick={onUse}>
          <Icon name="check" size={16} /> {t('canvas.useResult')}
        </Button>
        <Button variant="outline-secondary" size="sm" onClick={onClose}>
          <Icon name="brush" size={16} /> {t('canvas.backToPainting')}
        </Button>
      </div>
    </section>
  )
}
