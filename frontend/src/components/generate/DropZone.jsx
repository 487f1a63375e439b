import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import { useFileDrop } from '../../hooks/generate/useFileDrop.js'
import { usePaste } from '../../hooks/generate/usePaste.js'
import { useReadPicture } from '../../hooks/generate/useReadPicture.js'
import './DropZone.css'
import Icon from '../ui/Icon.jsx'

/** Takes pictures that are dropped or pasted anywhere: reads the settings of the first one into the form, or draws from it. */
export default function DropZone({ onReplace, onDraw }) {
  const { t } = useTranslation()
  const read = useReadPicture(onReplace, onDraw)
  const take = useCallback((files, place) => (place === 'picture' ? onDraw(files[0]) : read(files)), [read, onDraw])
  usePaste({ onPictures: read, onReplace })
  const hovering = useFileDrop(take)
  if (!hovering) return null
  return (
    <div className="drop-zone">
      <p data-drop-as="settings">
        <Icon name="reuse" size={28} /> {t('drop.invite')}
      </p>
      <p data-drop-as="picture">
        <Icon name="picture" size={28} /> {t('drop.draw')}
      </p>
    </div>
  )
}
