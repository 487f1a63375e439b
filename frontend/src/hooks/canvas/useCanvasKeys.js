import { useEffect } from 'react'

import { MODE_KEYS, mostSize, stepHardness, stepSize, TOOL_KEYS, TOOLS } from '../../lib/canvas/settings.js'

/** Where letters are typed; sliders and boxes hold none. */
const TEXT_FIELDS = 'input:not([type=range], [type=checkbox], [type=radio], [type=color], [type=file]), textarea, select'
const GENERATE = 'Mod+Enter'
const MODES_BY_KEY = Object.fromEntries(Object.entries(MODE_KEYS).map(([mode, key]) => [key, mode]))
const TOOLS_BY_KEY = Object.fromEntries(Object.entries(TOOL_KEYS).map(([tool, key]) => [key, tool]))

function nameOf({ key, ctrlKey, metaKey, shiftKey }) {
  const name = key.length === 1 ? key.toLowerCase() : key
  if (ctrlKey || metaKey) return `Mod+${shiftKey ? 'Shift+' : ''}${name}`
  return name
}

/** What keys do wherever the focus is, but in a field for text. */
function actionOf(name, { session, act }) {
  const { settings, doc, view } = session
  const sized = (direction) => act.size(stepSize(settings.size, direction, mostSize(doc.size)))
  const hardened = (direction) => act.hardness(stepHardness(settings.hardness, direction))
  const actions = {
    'Mod+z': act.undo,
    'Mod+Shift+z': act.redo,
    'Mod+y': act.redo,
    '[': () => sized(-1),
    ']': () => sized(1),
    '{': () => hardened(-1),
    '}': () => hardened(1),
    '+': view.zoomIn,
    '=': view.zoomIn,
    '-': view.zoomOut,
    0: view.fit,
    1: view.actual,
    Delete: act.clear,
    Backspace: act.clear,
    '?': act.help,
    ...(settings.mode === 'mask' && { x: act.invert }),
  }
  if (Object.hasOwn(actions, name)) return actions[name]
  if (Object.hasOwn(MODES_BY_KEY, name)) return () => act.mode(MODES_BY_KEY[name])
  const tool = TOOLS_BY_KEY[name]
  return TOOLS[settings.mode].includes(tool) ? () => act.tool(tool) : undefined
}

/** What arrows, Space and Enter do on the stage; answers whether the key was one of them. */
function steerBy(event, { session, act }) {
  if (session.steer(event.key, { shift: event.shiftKey, alt: event.altKey })) {
    act.moved()
    return true
  }
  if (event.key !== ' ' && event.key !== 'Enter') return false
  if (event.repeat) return true
  const did = event.key === ' ' ? session.press({ erase: false }) : session.confirm({ erase: false })
  if (did) act.did(did)
  return true
}

/**
 * The editor without a mouse. `act` has what the keys do beside the session: `undo`, `redo`, `size(px)`,
 * `hardness(share)`, `tool(name)`, `mode(name)`, `clear`, `invert`, `help`, `generate`, `moved()` and `did(name)`. What is
 * covered is not painted on.
 */
export function useCanvasKeys(stageRef, { session, gestures, act, isCovered }) {
  useEffect(() => {
    /** Space under a mouse: the hand, not the button that was clicked last. */
    const isHand = (event) => event.key === ' ' && session.cursor === null && session.isHovered
    const onKeyDown = (event) => {
      if (event.isComposing || event.defaultPrevented) return
      if (nameOf(event) === GENERATE) {
        event.preventDefault() // While it is written, too.
        if (!event.repeat) act.generate()
        return
      }
      if (isCovered && nameOf(event) === 'Mod+z') event.preventDefault() // Nothing else on the page is meant, either.
      if (isCovered || event.target.closest?.(TEXT_FIELDS)) return
      const isOnStage = event.target === stageRef.current
      if (isHand(event)) {
        event.preventDefault()
        gestures.holdSpace(true)
        return
      }
      if (isOnStage && !event.ctrlKey && !event.metaKey && steerBy(event, { session, act })) {
        event.preventDefault()
        return
      }
      const action = event.altKey ? undefined : actionOf(nameOf(event), { session, act })
      if (!action) return
      event.preventDefault()
      action()
    }
    const onKeyUp = (event) => {
      if (event.key !== ' ') return
      if (gestures.isSpaceHeld) event.preventDefault()
      gestures.holdSpace(false)
      session.release()
    }
    const onBlur = () => {
      gestures.holdSpace(false)
      session.release()
    }
    // Before a button that has the focus takes Space for its own.
    window.addEventListener('keydown', onKeyDown, true)
    window.addEventListener('keyup', onKeyUp, true)
    window.addEventListener('blur', onBlur)
    return () => {
      window.removeEventListener('keydown', onKeyDown, true)
      window.removeEventListener('keyup', onKeyUp, true)
      window.removeEventListener('blur', onBlur)
    }
  }, [stageRef, session, gestures, act, isCovered])
}
