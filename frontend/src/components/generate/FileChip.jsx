import { memo, useRef } from 'react'
import { useTranslation } from 'react-i18next'

import { useReadPicture } from '../../hooks/generate/useReadPicture.js'
import Icon from '../ui/Icon.jsx'

/** The way to read a picture's settings without dragging it. */
function FileChip({ onReplace }) {
  const { t } = useTranslation()
  const inputRef = useRef(null)
  const read = useReadPicture(onReplace)
  const choose = (event) => {
    const [file] = event.target.files
    event.target.value = '' // The same file may be chosen again.
    if (file) read([file])
  }
  return (
    <>
      <button type="button" className="chip" title={t('drop.hint')} onClick={() => inputRef.current.click()}>
        <Icon name="picture" size={14} /> {t('drop.choose')}
      </button>
      <input ref={inputRef} type="file" accept="image/*" hidden data-testid="picture-file" onChange={choose} />
    </>
  )
}

export default memo(FileChip)
