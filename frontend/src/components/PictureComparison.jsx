import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'

import { usePictures } from '../hooks/images/usePictures.js'
import { close } from '../hooks/ui/useOpened.js'
import { useToast } from '../hooks/ui/useToast.js'
import CompareDialog from './viewer/CompareDialog.jsx'

/** The pictures that the address names, on top of or beside each other. */
export default function PictureComparison({ ids }) {
  const { t } = useTranslation()
  const toast = useToast()
  const images = usePictures(ids)
  const isMissing = images.includes(null)
  useEffect(() => {
    if (!isMissing) return
    toast({ text: t('lightbox.none') })
    close()
  }, [isMissing, toast, t])
  return images.every(Boolean) && <CompareDialog images={images} onClose={close} />
}
