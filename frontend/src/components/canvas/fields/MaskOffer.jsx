import { useEffect, useRef, useState } from 'react'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { FITS, READINGS } from '../../../lib/canvas/raster/import.js'
import Options from './Options.jsx'

/** A file that can become the mask in several ways. */
export default function MaskOffer({ offer, size, onTake, onDrop }) {
  const { t } = useTranslation()
  const [reading, setReading] = useState(offer.hasAlpha ? 'opaque' : 'brightness')
  const [fit, setFit] = useState('stretch')
  const title = useRef(null)
  useEffect(() => {
    title.current.focus()
  }, [])
  const sizes = { from: `${offer.decoded.width} × ${offer.decoded.height}`, to: `${size.width} × ${size.height}` }
  const choices = (names, area) => names.map((name) => [name, t(`canvas.${area}.${name}`)])
  return (
    <section className="canvas-offer" aria-labelledby="canvas-offer">
      <h3 id="canvas-offer" tabIndex={-1} ref={title}>
        {t('canvas.importTitle', { name: offer.name })}
      </h3>
      {offer.isOtherSize && (
        <>
          <p>{t('canvas.importSize', sizes)}</p>
          <Options label={t('canvas.fitLabel')} value={fit} options={choices(FITS, 'fits')} onChange={setFit} />
        </>
      )}
      {offer.hasAlpha && (
        <Options label={t('canvas.readingLabel')} value={reading} options={choices(READINGS, 'readings')} onChange={setReading} />
      )}
      <div className="canvas-actions">
        <Button variant="primary" size="sm" onClick={() => onTake({ reading, fit })}>
          {t('canvas.use')}
        </Button>
        <Button variant="outline-secondary" size="sm" onClick={onDrop}>
          {t('common.cancel')}
        </Button>
      </div>
    </section>
  )
}
