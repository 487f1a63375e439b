import { useCallback, useRef } from 'react'

import { usePersistentState } from '../kept/usePersistentState.js'

const REMEMBERED = 50

function restorePrompts(stored) {
  return Array.isArray(stored) ? stored.filter((text) => typeof text === 'string').slice(0, REMEMBERED) : []
}

/** The prompts that were sent from this browser, newest first. */
export function usePromptHistory() {
  const [prompts, setPrompts] = usePersistentState('zimage.prompts', [], restorePrompts)
  const remember = useCallback(
    (prompt) => setPrompts((known) => restorePrompts([prompt, ...known.filter((other) => other !== prompt)])),
    [setPrompts],
  )
  return { prompts, remember }
}

/** The text after the caret's line, and before it, decide whether an arrow key still moves inside the text. */
function isAtEdge({ value, selectionStart, selectionEnd }, direction) {
  if (selectionStart !== selectionEnd) return false
  return direction > 0 ? !value.slice(0, selectionStart).includes('\n') : !value.slice(selectionStart).includes('\n')
}

/**
 * Arrow keys in the prompt walk through earlier ones, as in a shell: ↑ at the very start, then ↑ and ↓.
 *
 * Answers a keydown handler. Typing ends the walk; ↓ past the newest brings back what was being written.
 */
export function usePromptRecall(prompts, onRecall) {
  const walk = useRef({ at: -1, draft: '' })
  return useCallback(
    (event) => {
      const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key]
      if (!direction || event.nativeEvent.isComposing || event.shiftKey) return
      const field = event.target
      const state = walk.current
      if (state.at >= 0 && field.value !== prompts[state.at]) state.at = -1
      const walking = state.at >= 0
      if (!walking && (direction < 0 || field.selectionEnd > 0)) return
      const next = state.at + direction
      if (!isAtEdge(field, direction) || next >= prompts.length) return
      event.preventDefault()
      if (!walking) state.draft = field.value
      state.at = next
      onRecall(next < 0 ? state.draft : prompts[next])
    },
    [prompts, onRecall],
  )
}
