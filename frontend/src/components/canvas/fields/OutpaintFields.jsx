import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { parseNumber } from '../../../lib/digits.js'
import { MOST_GROWTH, MOST_PIXELS, mostOutpaint, SIDES, snapOutpaint } from '../../../lib/canvas/outpaint.js'
import Field from '../../ui/Field.jsx'
import NumberInput from '../../ui/NumberInput.jsx'
import FeatherField from './FeatherField.jsx'

/** How far one side grows: what is typed counts when it is finished, an arrow at once. */
function SideField({ side, value, most, step, onCommit }) {
  const { t } = useTranslation()
  const [draft, setDraft] = useState(null)
  const isArrow = useRef(false)
  const commit = (text) => {
    const number = parseNumber(text)
    setDraft(null)
    if (!Number.isNaN(number)) onCommit(snapOutpaint(number, most, step))
  }
  return (
    <Field label={t(`canvas.sides.${side}`)}>
      {(control) => (
        <NumberInput
          {...control}
          value={draft ?? String(value)}
          min={0}
          max={most}
          step={step}
          aria-label={t(`canvas.extend.${side}`)}
          onKeyDown={({ key }) => {
            isArrow.current = key === 'ArrowUp' || key === 'ArrowDown'
            if (key === 'Enter' && draft !== null) commit(draft)
          }}
          onType={(text) => (isArrow.current ? commit(text) : setDraft(text))}
          onBlur={() => draft !== null && commit(draft)}
        />
      )}
    </Field>
  )
}

/** How far the picture grows on each side, in numbers. */
export default function OutpaintFields({ doc, outpaint, options, rules, say, setOptions }) {
  const { t } = useTranslation()
  const { step, mostSide } = rules
  const commit = (side, value) => {
    doc.setOutpaint({ ...outpaint, [side]: value })
    say(t('canvas.outpaintRange', { side: t(`canvas.sides.${side}`), value, step, most: mostOutpaint(side, outpaint, doc.size, rules) }))
  }
  const { top, right, bottom, left } = outpaint
  return (
    <>
      <div className="canvas-sides">
        {SIDES.map((side) => (
          <SideField
            key={side}
            side={side}
            value={outpaint[side]}
            most={mostOutpaint(side, outpaint, doc.size, rules)}
            step={step}
            onCommit={(value) => commit(side, value)}
          />
        ))}
      </div>
      <p className="canvas-share">
        {t('canvas.outpaintSize', { width: doc.size.width + left + right, height: doc.size.height + top + bottom })}
      </p>
      <p className="field-hint">{t('canvas.outpaintHint', { step, growth: MOST_GROWTH, most: mostSide, megapixels: MOST_PIXELS / 1e6 })}</p>
      <FeatherField value={options.feather} hint={t('canvas.overlapHint')} onChange={(feather) => setOptions({ feather })} />
    </>
  )
}
