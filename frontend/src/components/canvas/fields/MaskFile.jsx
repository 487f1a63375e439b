import { useRef } from 'react'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import Icon from '../../ui/Icon.jsx'
import Notice from '../../ui/Notice.jsx'
import CanvasIcon from '../CanvasIcon.jsx'
import MaskOffer from './MaskOffer.jsx'

/** Opens a mask from a file, and saves it as one. */
export default function MaskFile({ file, size, feather }) {
  const { t } = useTranslation()
  const input = useRef(null)
  const take = ({ target }) => {
    const [picked] = target.files
    target.value = '' // The same file again is one more try.
    if (picked) file.open(picked)
  }
  return (
    <div className="canvas-file" role="group" aria-label={t('canvas.file')}>
      <input ref={input} type="file" accept="image/*" hidden aria-label={t('canvas.importLabel')} onChange={take} />
      <div className="canvas-actions">
        <Button variant="outline-secondary" size="sm" aria-label={t('canvas.importLabel')} onClick={() => input.current.click()}>
          <CanvasIcon name="open" size={16} /> {t('canvas.import')}
        </Button>
        {file.openTransparency && (
          <Button variant="outline-secondary" size="sm" onClick={file.openTransparency}>
            <CanvasIcon name="mask" size={16} /> {t('edit.maskTransparent')}
          </Button>
        )}
        <Button variant="outline-secondary" size="sm" onClick={() => file.write()}>
          <Icon name="download" size={16} /> {t('canvas.save')}
        </Button>
        {feather > 0 && (
          <Button variant="outline-secondary" size="sm" onClick={() => file.write(feather)}>
            <Icon name="download" size={16} /> {t('canvas.saveSoft')}
          </Button>
        )}
      </div>
      {file.error && (
        <Notice tone="danger" role="alert">
          {file.error}
        </Notice>
      )}
      {file.offer && <MaskOffer key={file.offer.name} offer={file.offer} size={size} onTake={file.take} onDrop={file.drop} />}
    </div>
  )
}
