import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { useFreshGallery } from '../hooks/images/walk/useFreshGallery.js'
import { useImageActions } from '../hooks/images/useImageActions.js'
import { useViewed } from '../hooks/images/walk/useViewed.js'
import { useWalk } from '../hooks/images/walk/useWalk.js'
import { useErrorText } from '../hooks/server/useErrorText.js'
import { close, open, openInstead } from '../hooks/ui/useOpened.js'
import { useToast } from '../hooks/ui/useToast.js'
import { waysFrom } from '../lib/images/walk.js'
import Lightbox from './viewer/Lightbox.jsx'

/** Closes the viewer of a picture that is not there, and says why. */
function useMissing({ missing, wasSeen, inTrash }) {
  const { t } = useTranslation()
  const toast = useToast()
  const isRestored = missing === 'moved' && inTrash
  const reason = isRestored ? 'lightbox.restored' : wasSeen ? 'lightbox.gone' : 'lightbox.none'
  useEffect(() => {
    if (!missing) return
    toast({ text: t(reason) })
    close()
  }, [missing, reason, toast, t])
}

/** The picture that the address names, in full, and the way through all that the gallery's filters find. */
export default function PictureViewer({ id: deferredId, gallery, seenRef, onReuse, onVary }) {
  const toast = useToast()
  const { errorText } = useErrorText()
  const id = useViewed(deferredId)
  const [first] = useState(id)
  const actions = useImageActions({ onVary })
  const { step, pictureAt, fetchAt, missing } = useWalk(gallery, id)
  useFreshGallery()
  useMissing({ missing, wasSeen: step !== null, inTrash: gallery.trash })
  useEffect(() => {
    if (step) seenRef.current = { id: step.image.id, index: step.index, walked: step.image.id !== first }
  }, [step, seenRef, first])
  if (!step) return null

  const { previous, next } = waysFrom(step)
  const go = async (index) => {
    try {
      const image = pictureAt(index) ?? (await fetchAt(index))
      if (image) openInstead({ picture: image.id })
    } catch (error) {
      toast({ text: errorText(error) })
    }
  }
  const remove = async () => {
    const neighbour = next ?? previous
    if (neighbour === null) close()
    else await go(neighbour)
    actions.trash([step.image.id])
  }
  const older = pictureAt((gallery.sort === 'oldest' ? previous : next) ?? -1)
  return (
    <Lightbox
      step={step}
      previous={previous}
      next={next}
      pictureAt={pictureAt}
      actions={actions}
      onGo={go}
      onCompare={older && (() => open({ compare: [older.id, step.image.id] }))}
      onDelete={remove}
      onClose={close}
      onReuse={onReuse}
    />
  )
}
