import { useTranslation } from 'react-i18next'

import { usePictureFile } from '../../../hooks/generate/usePictureFile.jsx'
import Icon from '../../ui/Icon.jsx'
import StopButton from './StopButton.jsx'

/** The way to draw from a picture; `arriving` is the name of one that is on its way, which `onStop` gives up. */
export default function SourceChooser({ arriving, error, onChoose, onStop }) {
  const { t } = useTranslation()
  const { open, input } = usePictureFile(onChoose, 'source-file')
  const isArriving = arriving !== undefined
  return (
    <div className="field source-chooser" data-takes="picture" aria-busy={isArriving}>
      <button type="button" className="source-open" onClick={open}>
        <Icon name="picture" size={22} />
        <span>
          <strong>{isArriving ? t('edit.loading', { name: arriving }) : t('edit.choose')}</strong>
          <span className="muted">{t('edit.chooseHint')}</span>
        </span>
      </button>
      {isArriving && <StopButton onStop={onStop} />}
      {input}
      {error && <p className="field-error">{error}</p>}
    </div>
  )
}
