import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'

import { usePictures } from '../hooks/images/usePictures.js'
import { close } from '../hooks/ui/useOpened.js'
import { useToast } from '../hooks/ui/useToast.js'
import CompareDialog from './viewer/CompareDialog.jsx'

/** The two pictures that the address names, on top of each other. */
export default function PictureComparison({ ids }) {
  const { t } = useTranslation()
  const toast = useToast()
  const [first, second] = usePictures(ids)
  const isMissing = first === null || second === null
  useEffect(() => {
    if (!isMissing) return
    toast({ text: t('lightbox.none') })
    close()
  }, [isMissing, toast, t])
  return first && second && <CompareDialog first={first} second={second} onClose={close} />
}
