import { useCallback, useMemo } from 'react'
import { useTranslation } from 'react-i18next'

import { useFileDrop } from '../../hooks/generate/useFileDrop.js'
import { usePaste } from '../../hooks/generate/usePaste.js'
import { useReadPicture } from '../../hooks/generate/useReadPicture.js'
import { useAbilities } from '../../hooks/server/useAbilities.js'
import { isLoraFile } from '../../lib/loras/files.js'
import './DropZone.css'
import Icon from '../ui/Icon.jsx'

/** What a picture without settings is offered to be. */
function useOffer(onDraw, onRefer) {
  const { t } = useTranslation()
  const { draws, refers } = useAbilities()
  return useMemo(() => {
    if (draws && onDraw) return { label: t('drop.draw'), onTake: ([file]) => onDraw(file) }
    return refers ? { label: t('references.use'), onTake: onRefer } : undefined
  }, [draws, refers, onDraw, onRefer, t])
}

function Invitation({ as, icon, text }) {
  return (
    <p data-drop-as={as}>
      <Icon name={icon} size={28} /> {text}
    </p>
  )
}

/**
 * Takes pictures that are dropped or pasted anywhere: reads the settings of the first one into the form, draws from it,
 * or refers to all, as the model of the form can. LoRAs go to `onLoras`.
 */
export default function DropZone({ onReplace, onDraw, onRefer, onLoras }) {
  const { t } = useTranslation()
  const { draws, refers } = useAbilities()
  const read = useReadPicture(onReplace, useOffer(onDraw, onRefer))
  const take = useCallback(
    (files, place) => {
      const loras = place === 'loras' ? files : files.filter(isLoraFile)
      const pictures = files.filter((file) => !loras.includes(file))
      if (loras.length > 0) onLoras(loras)
      if (pictures.length === 0) return
      if (place === 'picture') onDraw(pictures[0])
      else if (place === 'reference') onRefer(pictures)
      else read(pictures)
    },
    [read, onDraw, onRefer, onLoras],
  )
  usePaste({ onPictures: read, onReplace })
  const hovering = useFileDrop(take)
  if (!hovering) return null
  if (hovering === 'foreign') {
    return (
      <div className="drop-zone">
        <Invitation as="loras" icon="layers" text={t('lora.drop')} />
      </div>
    )
  }
  return (
    <div className="drop-zone">
      <Invitation as="settings" icon="reuse" text={t('drop.invite')} />
      {draws && <Invitation as="picture" icon="picture" text={t('drop.draw')} />}
      {refers && <Invitation as="reference" icon="layers" text={t('references.use')} />}
    </div>
  )
}
