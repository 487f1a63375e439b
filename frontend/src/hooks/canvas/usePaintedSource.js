import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { composite, sizeOf } from '../../lib/canvas/compose.js'
import { readKeptValue } from '../../lib/canvas/value.js'
import { FEATHER_DEFAULT, KEPT, NO_GROWTH, originalOf, OWN } from '../../lib/generate/edit.js'
import { fetchInput, inputUrl, keepInput, makeMask } from '../../services/api.js'
import { useAttempt } from '../images/useAttempt.js'
import { useErrorText } from '../server/useErrorText.js'
import { useLatest } from '../ui/useLatest.js'

/** What the canvas shows of an edit of which this browser has kept nothing: one that was taken over from a picture. */
async function valueOf({ mask, growth, feather, mask_mode: maskMode }) {
  return { mask: mask && (await fetchInput(mask)), sketch: null, outpaint: growth, feather: feather ?? FEATHER_DEFAULT, maskMode }
}

/** Answers a function that keeps what a layer's file stands for on the server, once, and promises its id; null without a file. */
function keeper() {
  const ids = new WeakMap()
  return async (file, make = async () => file) => {
    if (!file) return null
    if (!ids.has(file)) ids.set(file, (await keepInput(await make())).input_id)
    return ids.get(file)
  }
}

/** What was painted, as a part of the edit: what is new of it is kept on the server first. */
async function toPatch(source, { mask, sketch, outpaint, feather, maskMode }, keep) {
  const painted = await keep(sketch, () => composite(source, sketch))
  return {
    image: painted ?? source.id,
    base: painted ? source.id : null,
    mask: await keep(mask),
    mask_mode: maskMode,
    feather,
    growth: { ...NO_GROWTH, ...outpaint },
    canvas: KEPT,
  }
}

/** The picture that is painted on, with what was painted there: `{image, value}`, null until it is here. */
function useSource(edit, { onAdopted, onLost }) {
  const attempt = useAttempt()
  const [source, setSource] = useState(null)
  const id = originalOf(edit)
  const begin = useLatest(async () => {
    const url = inputUrl(id)
    const image = { id, url, ...(await sizeOf(url)) }
    const isKept = edit.canvas === KEPT && (await readKeptValue(image))
    return { image, value: isKept ? null : await valueOf(edit) }
  })
  const adopted = useLatest(() => edit.canvas === OWN && onAdopted())
  const lost = useLatest(onLost)
  useEffect(() => {
    let isWanted = true
    const load = async () => {
      const found = await attempt(begin.current)
      if (!isWanted) return
      if (!found) return lost.current()
      setSource(found)
      adopted.current() // From here on the browser keeps what is painted.
    }
    load()
    return () => {
      isWanted = false
    }
  }, [id, attempt, begin, adopted, lost])
  return source
}

/** Whether what is masked of one picture is the same place of another. */
const isSameSize = (one, other) => one.width === other.width && one.height === other.height

/** Why the last thing that was asked of the server did not work, in words, and what offers a way on: `[notice, attempt, setNotice]`. */
function useNotice() {
  const { errorText } = useErrorText()
  const [notice, setNotice] = useState(null)
  const attempt = async (work, noticeOf) => {
    setNotice(null)
    try {
      return await work()
    } catch (error) {
      setNotice({ tone: 'danger', ...noticeOf(errorText(error)) })
      return undefined
    }
  }
  return [notice, attempt, setNotice]
}

/**
 * What the canvas over the picture that is drawn from needs: the props of CanvasEditor, null until that picture is here.
 *
 * What was painted becomes the form's by `onEdit` when the canvas is closed, which `onClose` is told; `onGenerate` sends
 * it and leaves the canvas open. It closes by itself once `isOpen` is false; where that cannot be, `onStay` is told.
 */
export function usePaintedSource(edit, { isOpen, prompt, problem, onEdit, onPrompt, onGenerate, onClose, onStay }) {
  const { t } = useTranslation()
  const [notice, attempt, setNotice] = useNotice()
  const told = useRef({})
  const [keep] = useState(keeper)
  const source = useSource(edit, { onAdopted: () => onEdit({ canvas: KEPT }), onLost: onClose })
  const isNothing = !isOpen && !source
  useEffect(() => {
    if (isNothing) onClose() // Gone back from before there was anything to see.
  }, [isNothing, onClose])
  if (!source) return null

  const { image } = source
  const isCurrent = image.id === originalOf(edit)
  /** Nothing where nothing was painted, or on a picture that is not drawn from any more. */
  const handOver = async () => {
    const value = told.current[image.id]
    return value && isCurrent ? toPatch(image, value, keep) : {}
  }
  const notSent = (reason) => ({ text: t('canvas.notSent', { reason }) })
  // It stays until all of it is on the server: whoever generates then must not do so without the mask.
  const close = async () => {
    const leave = { label: t('canvas.leaveIt'), onClick: onClose }
    const patch = await attempt(handOver, (reason) => ({ text: t('canvas.notHandedOver', { reason }), action: leave }))
    if (!patch) {
      onStay()
      return
    }
    if (Object.keys(patch).length > 0) onEdit(patch)
    onClose()
  }
  const start = async () => {
    const patch = await attempt(handOver, notSent)
    return patch && onGenerate(patch)
  }
  /** Draws from a result from now on: the mask stays where it means the same place. */
  const use = (result) =>
    attempt(async () => {
      const { input_id: id } = await keepInput({ image_id: result.id })
      const before = { ...edit, ...(await handOver()) }
      const mask = isSameSize(result, image) ? before.mask : null
      onEdit({ ...before, image: id, base: null, mask, growth: NO_GROWTH, upscale: 1, canvas: OWN })
      const takeBack = () => {
        setNotice(null)
        onEdit({ ...before, canvas: KEPT })
      }
      setNotice({ tone: 'info', text: t('canvas.taken'), action: { label: t('common.undo'), onClick: takeBack } })
    }, notSent)
  /** A mask of what is transparent in the picture, as a PNG; undefined where the server makes none, which is said. */
  const readTransparency = () =>
    attempt(
      async () => fetchInput((await makeMask({ image: { input_id: image.id } })).input_id),
      (text) => ({ text }),
    )
  const refusal = problem && { tone: 'danger', text: problem }
  return {
    ...source,
    isOpen,
    readTransparency: edit.has_alpha ? readTransparency : undefined,
    onChange: (value) => (told.current[image.id] = value),
    onClose: close,
    generation: { prompt, notice: notice ?? refusal, onPrompt, onNotice: setNotice, start, use },
  }
}
