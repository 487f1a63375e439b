import { useTranslation } from 'react-i18next'

import { useFileDrop } from '../../hooks/generate/useFileDrop.js'
import { useReadPicture } from '../../hooks/generate/useReadPicture.js'
import './DropZone.css'
import Icon from '../ui/Icon.jsx'

/** Takes a picture that is dropped anywhere, and reads its settings into the form. */
export default function DropZone({ onReplace }) {
  const { t } = useTranslation()
  const hovering = useFileDrop(useReadPicture(onReplace))
  if (!hovering) return null
  return (
    <div className="drop-zone">
      <p>
        <Icon name="reuse" size={28} /> {t('drop.invite')}
      </p>
    </div>
  )
}
