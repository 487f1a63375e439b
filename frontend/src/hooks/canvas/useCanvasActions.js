import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'

import { toHex, fromPixel } from '../../lib/canvas/raster/blend.js'
import { reshapeStep, sketchMargin } from '../../lib/canvas/settings.js'

const FULL = 255

/** What is under the keyboard's cursor, in words. */
function placeText(t, { doc, cursor, settings }) {
  const [x, y] = [Math.floor(cursor.x), Math.floor(cursor.y)]
  const at = y * doc.size.width + x
  const sketched = settings.mode === 'sketch' && doc.sketch ? fromPixel(doc.sketch[at]) : null
  if (sketched?.[3] > 0) return t('canvas.atSketched', { x, y, colour: toHex(sketched) })
  const grey = doc.mask[at]
  if (grey === FULL) return t('canvas.atMasked', { x, y })
  return grey === 0 ? t('canvas.atFree', { x, y }) : t('canvas.atPartly', { x, y, percent: Math.round((100 * grey) / FULL) })
}

/** Steps back and forth, and what is done to a whole layer. */
function layerActions(t, session, say) {
  const { doc } = session
  const stepped = (kind, text, nothing) => say(kind ? t(text, { what: t(`canvas.did.${kind}`) }) : t(nothing))
  const brush = () => session.brushOf(false)
  const done = (work, text) => () => {
    work()
    say(t(text))
  }
  return {
    undo: () => stepped(doc.undo(), 'canvas.undone', 'canvas.nothingToUndo'),
    redo: () => stepped(doc.redo(), 'canvas.redone', 'canvas.nothingToRedo'),
    fill: done(() => doc.fillAll({ ...brush(), erase: false }), 'canvas.saidFill'),
    clear: done(() => doc.clear(brush().layer), 'canvas.saidClear'),
    maskSketch: done(() => doc.maskSketch(sketchMargin(doc.size)), 'canvas.saidMaskSketch'),
    grow: done(() => doc.reshape(reshapeStep(doc.size)), 'canvas.saidGrow'),
    shrink: done(() => doc.reshape(-reshapeStep(doc.size)), 'canvas.saidShrink'),
    invert: done(() => doc.invert(), 'canvas.saidInvert'),
    discard: done(() => doc.discard(), 'canvas.saidDiscard'),
  }
}

/** The tool in hand: `change` keeps it, and what changed is said. */
function toolActions(t, change, say) {
  const said = (patch, text, values) => {
    change(patch)
    say(t(text, values))
  }
  return {
    size: (px) => said({ size: px }, 'canvas.saidSize', { px }),
    hardness: (share) => said({ hardness: share }, 'canvas.saidHardness', { percent: Math.round(100 * share) }),
    tool: (tool) => said({ tool }, 'canvas.saidTool', { tool: t(`canvas.tool.${tool}`) }),
    mode: (mode) => said({ mode }, 'canvas.saidMode', { mode: t(`canvas.modes.${mode}`), hint: t(`canvas.modeHints.${mode}`) }),
    colour: (colour) => said({ colour }, 'canvas.saidPick', { colour }),
    met: () => said({ pen: true, fingers: false }, 'canvas.saidPen'),
  }
}

/** Everything that buttons and keys do in the editor. Each says in words what it did. */
export function useCanvasActions({ session, change, say, sayLater, onHelp, onGenerate }) {
  const { t } = useTranslation()
  return useMemo(
    () => ({
      ...layerActions(t, session, say),
      ...toolActions(t, change, say),
      help: onHelp,
      generate: onGenerate,
      moved: () => sayLater(() => (session.cursor ? placeText(t, session) : '')),
      did: (name) => say(t(`canvas.${name}`)),
    }),
    [t, session, change, say, sayLater, onHelp, onGenerate],
  )
}
