import { useTranslation } from 'react-i18next'

import { usePictureFile } from '../../../hooks/generate/usePictureFile.jsx'
import Icon from '../../ui/Icon.jsx'

/** The way to draw from a picture. */
export default function SourceChooser({ error, onChoose }) {
  const { t } = useTranslation()
  const { open, input } = usePictureFile(onChoose, 'source-file')
  return (
    <div className="field source-chooser" data-takes="picture">
      <button type="button" className="source-open" onClick={open}>
        <Icon name="picture" size={22} />
        <span>
          <strong>{t('edit.choose')}</strong>
          <span className="muted">{t('edit.chooseHint')}</span>
        </span>
      </button>
      {input}
      {error && <p className="field-error">{error}</p>}
    </div>
  )
}
