import { useTranslation } from 'react-i18next'

import { useFileDrop } from '../../hooks/generate/useFileDrop.js'
import { usePaste } from '../../hooks/generate/usePaste.js'
import { useReadPicture } from '../../hooks/generate/useReadPicture.js'
import './DropZone.css'
import Icon from '../ui/Icon.jsx'

/** Takes pictures that are dropped or pasted anywhere, and reads the settings of the first one into the form. */
export default function DropZone({ onReplace }) {
  const { t } = useTranslation()
  const read = useReadPicture(onReplace)
  usePaste({ onPictures: read, onReplace })
  const hovering = useFileDrop(read)
  if (!hovering) return null
  return (
    <div className="drop-zone">
      <p>
        <Icon name="reuse" size={28} /> {t('drop.invite')}
      </p>
    </div>
  )
}
