import { memo } from 'react'
import { useTranslation } from 'react-i18next'

import { usePictureFile } from '../../hooks/generate/usePictureFile.jsx'
import { useReadPicture } from '../../hooks/generate/useReadPicture.js'
import Icon from '../ui/Icon.jsx'

/** The way to read a picture's settings without dragging it. */
function FileChip({ onReplace }) {
  const { t } = useTranslation()
  const read = useReadPicture(onReplace)
  const { open, input } = usePictureFile((file) => read([file]), 'picture-file')
  return (
    <>
      <button type="button" className="chip" title={t('drop.hint')} onClick={open}>
        <Icon name="picture" size={14} /> {t('drop.choose')}
      </button>
      {input}
    </>
  )
}

export default memo(FileChip)
