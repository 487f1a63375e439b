import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { decodePixels } from '../../lib/canvas/files.js'
import { encodeGrey } from '../../lib/canvas/png.js'
import { featherMask } from '../../lib/canvas/raster/feather.js'
import { fitMask, hasAlpha, maskFromPixels } from '../../lib/canvas/raster/import.js'
import { save } from '../../lib/images/save.js'
import { fetchHistory } from '../../services/api.js'

const INPUT_ID = /^[0-9a-f]{64}$/

/** The name of a picture without its ending: its own, that of the gallery's file with the same pixels, or null. */
async function nameOf({ name, id }) {
  if (name || !INPUT_ID.test(id)) return name ?? null
  const { images } = await fetchHistory({ pixel_hash: id, page_size: 1 }).catch(() => ({ images: [] }))
  return images[0]?.filename.replace(/\.\w+$/, '') ?? null
}

const isSameSize = (a, b) => a.width === b.width && a.height === b.height

/**
 * A mask out of a file, and into one.
 *
 * `open(file)` takes a file of the picture's size at once, where there is but one way to read it; else `offer` holds
 * it with the ways there are, until `take({reading, fit})` or `drop()`. `error` is in words. `write(feather)` saves the
 * mask under the picture's name. `openTransparency()` takes what is transparent in the picture itself, by
 * `readTransparency`; undefined without it.
 */
export function useMaskFile({ doc, image, say, readTransparency }) {
  const { t } = useTranslation()
  const [offer, setOffer] = useState(null)
  const [error, setError] = useState(null)

  const lay = ({ name, decoded }, { reading, fit }) => {
    doc.replaceMask(fitMask(maskFromPixels(decoded.pixels, reading), decoded, doc.size, fit))
    setOffer(null)
    say(t('canvas.saidImport', { name }))
  }
  const open = async (file) => {
    setError(null)
    setOffer(null)
    const decoded = await decodePixels(file).catch(() => null)
    if (!decoded) {
      setError(t('canvas.notPicture', { name: file.name }))
      return
    }
    const isClear = !hasAlpha(decoded.pixels)
    const found = { name: file.name, decoded, isOtherSize: !isSameSize(decoded, doc.size), hasAlpha: !isClear }
    if (isClear && !found.isOtherSize) lay(found, { reading: 'brightness', fit: 'stretch' })
    else setOffer(found)
  }
  const openTransparency = async () => {
    const made = await readTransparency()
    if (!made) return
    doc.replaceMask(maskFromPixels((await decodePixels(made)).pixels, 'brightness'))
    say(t('canvas.saidTransparency'))
  }
  const write = async (feather = 0) => {
    say(t('canvas.saving'))
    const [file, name] = await Promise.all([encodeGrey(featherMask(doc.mask, doc.size, feather), doc.size), nameOf(image)])
    save(file, `${name ?? t('canvas.pictureName')}-mask${feather > 0 ? '-soft' : ''}.png`)
  }
  return { open, offer, take: (how) => lay(offer, how), drop: () => setOffer(null), error, write, openTransparency: readTransparency && openTransparency }
}
