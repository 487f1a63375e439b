import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import { useFileDrop } from '../../hooks/generate/useFileDrop.js'
import { usePaste } from '../../hooks/generate/usePaste.js'
import { useReadPicture } from '../../hooks/generate/useReadPicture.js'
import { isLoraFile } from '../../lib/loras/files.js'
import './DropZone.css'
import Icon from '../ui/Icon.jsx'

/**
 * Takes pictures that are dropped or pasted anywhere: reads the settings of the first one into the form, or draws from it.
 * LoRAs go to `onLoras`.
 */
export default function DropZone({ onReplace, onDraw, onLoras }) {
  const { t } = useTranslation()
  const read = useReadPicture(onReplace, onDraw)
  const take = useCallback(
    (files, place) => {
      const loras = place === 'loras' ? files : files.filter(isLoraFile)
      const pictures = files.filter((file) => !loras.includes(file))
      if (loras.length > 0) onLoras(loras)
      if (pictures.length > 0) (place === 'picture' ? onDraw(pictures[0]) : read(pictures))
    },
    [read, onDraw, onLoras],
  )
  usePaste({ onPictures: read, onReplace })
  const hovering = useFileDrop(take)
  if (!hovering) return null
  if (hovering === 'foreign') {
    return (
      <div className="drop-zone">
        <p data-drop-as="loras">
          <Icon name="layers" size={28} /> {t('lora.drop')}
        </p>
      </div>
    )
  }
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
