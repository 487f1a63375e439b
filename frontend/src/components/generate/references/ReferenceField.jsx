import { memo, useEffect, useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { useReferenceDrag } from '../../../hooks/images/inputs/useReferenceDrag.js'
import { usePictureFile } from '../../../hooks/generate/usePictureFile.jsx'
import { useAnnounce } from '../../../hooks/ui/useAnnounce.js'
import { addReferenceTexts } from '../../../i18n/references.js'
import { keysOf, moveReference, REFERENCES_MAX, sizeLike } from '../../../lib/generate/references.js'
import ReferenceChooser from './ReferenceChooser.jsx'
import ReferenceItem from './ReferenceItem.jsx'

const picturesOf = (files) => [...files].filter(({ type }) => type.startsWith('image/'))

/** Gives the focus to a button of the list once it is drawn: `ask(at, part)` says which. */
function useFocusAfter(ref) {
  const wanted = useRef(null)
  useEffect(() => {
    if (!wanted.current) return
    const [at, part] = wanted.current
    wanted.current = null
    const items = ref.current.querySelectorAll('.reference')
    const target = items[Math.min(at, items.length - 1)]?.querySelector(`[data-part=${part}]`)
    ;(target ?? ref.current.querySelector('.reference-add'))?.focus()
  })
  return (at, part) => (wanted.current = [at, part])
}

/** Takes the form's size from the last picture, as the server does where none is asked for. */
function SizeChip({ of, width, height, onChange }) {
  const { t } = useTranslation()
  const size = sizeLike(of)
  if (size.width === width && size.height === height) return null
  return (
    <button type="button" className="chip" onClick={() => onChange(size)}>
      {t('refs.size', size)}
    </button>
  )
}

/** The pictures that a model draws from as the prompt tells, in the order in which it speaks of them; `arriving` are the names of more. */
function ReferenceField({ references, arriving = [], width, height, sizes = [], error, onAdd, onChange, onReplace }) {
  const { t, i18n } = useTranslation()
  useState(() => addReferenceTexts(i18n)) // Once, before the texts are read.
  const announce = useAnnounce()
  const hintId = useId()
  const ref = useRef(null)
  const focusAfter = useFocusAfter(ref)
  const [measured, setMeasured] = useState({})
  const isAdding = arriving.length > 0
  const { open, input } = usePictureFile(onAdd, 'reference-file', { multiple: true })
  const move = (from, to) => {
    onChange({ references: moveReference(references, from, to) })
    announce(t('refs.moved', { number: to + 1, count: references.length }))
  }
  const drag = useReferenceDrag(move)
  const remove = (at) => {
    focusAfter(at, 'remove')
    onReplace({ references: references.filter((_, index) => index !== at) }, t('refs.removed', { number: at + 1 }))
  }
  const onPaste = (event) => {
    const pictures = picturesOf(event.clipboardData.files)
    if (pictures.length === 0) return
    event.preventDefault()
    event.stopPropagation() // Elsewhere on the page a picture is read for its settings.
    onAdd(pictures)
  }
  const last = measured[references.at(-1)]
  const isEmpty = references.length === 0
  const chooser = <ReferenceChooser isFirst={isEmpty} arriving={arriving} hintId={hintId} onOpen={open} />
  return (
    <div
      ref={ref}
      role="group"
      className={`references ${isEmpty ? 'references-empty' : ''}`}
      aria-label={t('refs.title')}
      aria-describedby={hintId}
      aria-busy={isAdding}
      data-takes="reference"
      onPaste={onPaste}
    >
      {isEmpty ? (
        chooser
      ) : (
        <>
          <div className="references-head">
            <p>{t('refs.title')}</p>
            <span className="field-value">{t('refs.count', { count: references.length, most: REFERENCES_MAX })}</span>
          </div>
          <ol>
            {keysOf(references).map((key, at) => (
              <ReferenceItem
                key={key}
                id={references[at]}
                at={at}
                count={references.length}
                drag={drag(at)}
                onSize={(size) => setMeasured((now) => ({ ...now, [references[at]]: size }))}
                onMove={(to, part) => {
                  focusAfter(to, part)
                  move(at, to)
                }}
                onRemove={() => remove(at)}
              />
            ))}
          </ol>
          <div className="references-actions">
            {references.length < REFERENCES_MAX && chooser}
            {last && sizes.length === 0 && <SizeChip of={last} width={width} height={height} onChange={onChange} />}
          </div>
          <p className="field-hint" id={hintId}>
            {t(references.length > 1 ? 'refs.hintMany' : 'refs.hintOne')}
          </p>
        </>
      )}
      {error && (
        <p className="field-error" role="alert">
          {error}
        </p>
      )}
      {input}
    </div>
  )
}

export default memo(ReferenceField)
