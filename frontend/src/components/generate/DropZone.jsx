import { useCallback, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { useFileDrop } from '../../hooks/generate/useFileDrop.js'
import { usePaste } from '../../hooks/generate/usePaste.js'
import { useReadPicture } from '../../hooks/generate/useReadPicture.js'
import { useAbilities } from '../../hooks/server/useAbilities.js'
import { isLoraFile, mayBePicture } from '../../lib/loras/files.js'
import { useToast } from '../../hooks/ui/useToast.js'
import './DropZone.css'
import Icon from '../ui/Icon.jsx'

/** Whether the first place of the form for pictures is in the upper half of the window. */
function isFormAbove() {
  const place = document.querySelector('form [data-takes]')?.getBoundingClientRect()
  return !place || (place.top + place.bottom) / 2 < window.innerHeight / 2
}

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
    <p data-takes={as}>
      <Icon name={icon} size={24} /> {text}
    </p>
  )
}

/** What files can be dropped as, at the edge of the window that is farther from the form's own places for them. */
function Invitations({ kind }) {
  const { t } = useTranslation()
  const { draws, refers } = useAbilities()
  const isBelow = useState(isFormAbove)[0]
  if (kind === 'neither') {
    return (
      <div className="drop-zone" data-below={isBelow}>
        <p>{t('drop.neither')}</p>
      </div>
    )
  }
  return (
    <div className="drop-zone" data-below={isBelow}>
      {kind === 'unknown' ? (
        <Invitation as="loras" icon="layers" text={t('lora.drop')} />
      ) : (
        <>
          <Invitation as="settings" icon="reuse" text={t('drop.invite')} />
          {draws && <Invitation as="picture" icon="picture" text={t('drop.draw')} />}
          {refers && <Invitation as="reference" icon="layers" text={t('references.use')} />}
        </>
      )}
    </div>
  )
}

/**
 * Takes pictures that are dropped or pasted anywhere: reads the settings of the first one into the form, draws from it,
 * is guided by it or refers to all, as the place says and the model of the form can. LoRAs go to `onLoras`.
 */
export default function DropZone({ onReplace, onDraw, onGuide, onRefer, onLoras }) {
  const { t } = useTranslation()
  const toast = useToast()
  const read = useReadPicture(onReplace, useOffer(onDraw, onRefer))
  const take = useCallback(
    (files, place) => {
      const loras = place === 'loras' ? files : files.filter(isLoraFile)
      const others = files.filter((file) => !loras.includes(file))
      const pictures = others.filter(mayBePicture)
      if (loras.length > 0) onLoras(loras)
      if (pictures.length === 0) {
        if (others.length > 0) toast({ text: t('drop.noPicture', { name: others[0].name }) })
        return
      }
      if (place === 'picture') onDraw(pictures[0])
      else if (place === 'control') onGuide(pictures[0])
      else if (place === 'reference') onRefer(pictures)
      else read(pictures)
    },
    [read, onDraw, onGuide, onRefer, onLoras, toast, t],
  )
  usePaste({ onPictures: read, onReplace })
  const hovering = useFileDrop(take)
  return hovering && <Invitations kind={hovering} />
}
