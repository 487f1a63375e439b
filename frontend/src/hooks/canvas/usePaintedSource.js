import { useEffect, useRef, useState } from 'react'

import { composite, sizeOf } from '../../lib/canvas/compose.js'
import { readKeptValue } from '../../lib/canvas/value.js'
import { FEATHER_DEFAULT, KEPT, NO_GROWTH, originalOf, OWN } from '../../lib/generate/edit.js'
import { fetchInput, inputUrl, keepInput, makeMask } from '../../services/api.js'
import { useAttempt } from '../images/useAttempt.js'
import { useLatest } from '../ui/useLatest.js'

/** What the canvas shows of an edit of which this browser has kept nothing: one that was taken over from a picture. */
async function valueOf({ mask, growth, feather, mask_mode: maskMode }) {
  return { mask: mask && (await fetchInput(mask)), sketch: null, outpaint: growth, feather: feather ?? FEATHER_DEFAULT, maskMode }
}

/** What was painted, as a part of the edit: what is new of it is kept on the server first. */
async function toPatch(source, { mask, sketch, outpaint, feather, maskMode }) {
  const painted = sketch && (await keepInput(await composite(source, sketch)))
  const kept = mask && (await keepInput(mask))
  return {
    image: painted?.input_id ?? source.id,
    base: painted ? source.id : null,
    mask: kept?.input_id ?? null,
    mask_mode: maskMode,
    feather,
    growth: { ...NO_GROWTH, ...outpaint },
    canvas: KEPT,
  }
}

/**
 * What the canvas over the picture that is drawn from needs: the props of CanvasEditor, null until that picture is here.
 *
 * What was painted becomes the form's by `onEdit` when the canvas is closed, which `onClose` is told.
 */
export function usePaintedSource(edit, { onEdit, onClose }) {
  const attempt = useAttempt()
  const [source, setSource] = useState(null)
  const latest = useRef(null)
  const begin = useLatest(async () => {
    const id = originalOf(edit)
    const url = inputUrl(id)
    const image = { id, url, ...(await sizeOf(url)) }
    const isKept = edit.canvas === KEPT && (await readKeptValue(image))
    return { image, value: isKept ? null : await valueOf(edit) }
  })
  const adopted = useLatest(() => edit.canvas === OWN && onEdit({ canvas: KEPT }))
  useEffect(() => {
    attempt(async () => {
      setSource(await begin.current())
      adopted.current() // From here on the browser keeps what is painted.
    })
  }, [attempt, begin, adopted])
  // It stays until all of it is on the server: whoever generates then must not do so without the mask.
  const close = async () => {
    if (latest.current) await attempt(async () => onEdit(await toPatch(source.image, latest.current)))
    onClose()
  }
  /** A mask of what is transparent in the picture, as a PNG; undefined where the server makes none, which is said. */
  const readTransparency = () => attempt(async () => fetchInput((await makeMask({ image: { input_id: source.image.id } })).input_id))
  return source && { ...source, readTransparency: edit.has_alpha ? readTransparency : undefined, onChange: (value) => (latest.current = value), onClose: close }
}
