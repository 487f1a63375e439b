import { useRef, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'

import { dragged, handleAt, mostOutpaint, pressed, snapOutpaint } from '../../lib/canvas/outpaint.js'
import { toScreen } from '../../lib/canvas/view.js'

/** Handles stay on the stage however near the picture is looked at. */
const MARGIN_PX = 22

const within = (value, most) => Math.min(most - MARGIN_PX, Math.max(MARGIN_PX, value))

/** The handle of one side: dragged, or moved by its arrows. */
export default function OutpaintHandle({ side, doc, view, outpaint, rules, say }) {
  const { t } = useTranslation()
  const shown = useSyncExternalStore(view.subscribe, view.getView)
  const from = useRef(null)
  const value = outpaint[side]
  const most = mostOutpaint(side, outpaint, doc.size, rules)
  const at = toScreen(shown, handleAt(side, doc.size, outpaint))
  const text = t('canvas.px', { px: value })
  const said = (px) => say(t('canvas.saidOutpaint', { side: t(`canvas.sides.${side}`), value: px }))

  const pulled = ({ clientX, clientY }) => {
    const moved = { x: (clientX - from.current.x) / shown.scale, y: (clientY - from.current.y) / shown.scale }
    return { ...outpaint, [side]: snapOutpaint(dragged(side, from.current.value, moved), most, rules.step) }
  }
  const onPointerDown = (event) => {
    event.stopPropagation()
    event.currentTarget.setPointerCapture(event.pointerId)
    from.current = { x: event.clientX, y: event.clientY, value }
  }
  const onPointerMove = (event) => from.current && doc.previewOutpaint(pulled(event))
  const onPointerUp = (event) => {
    if (!from.current) return
    const next = pulled(event)
    from.current = null
    doc.setOutpaint(next)
    said(next[side])
  }
  const onKeyDown = (event) => {
    const next = pressed(side, event, { value, most, step: rules.step })
    if (next === null) return
    event.preventDefault()
    doc.setOutpaint({ ...outpaint, [side]: next })
    said(next)
  }
  return (
    <div
      role="slider"
      tabIndex={0}
      className={`canvas-handle canvas-handle-${side}`}
      style={{ left: within(at.x, view.stage.width), top: within(at.y, view.stage.height) }}
      aria-label={t(`canvas.extend.${side}`)}
      aria-orientation={side === 'left' || side === 'right' ? 'horizontal' : 'vertical'}
      aria-valuemin={0}
      aria-valuemax={most}
      aria-valuenow={value}
      aria-valuetext={text}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={onPointerUp}
      onKeyDown={onKeyDown}
    >
      {value > 0 && <span>{value}</span>}
    </div>
  )
}
