/** What a button of a task does, as its `data-act` says, by the others that can be pressed. */
function sameOf(card, { act }) {
  return card.querySelector(`[data-act="${act}"]:not(:disabled)`)
}

/**
 * Gives the focus of a button that is about to go on: to the same one of the next task, or of the one before, else to
 * the heading of the list; `isLast` says that the list goes too, and then to what surrounds it.
 */
export function passFocus(button, { isLast = false } = {}) {
  if (document.activeElement !== button) return
  const card = button.closest('.task')
  const cards = card ? [...card.parentElement.children] : []
  const at = cards.indexOf(card)
  const others = [...cards.slice(at + 1), ...cards.slice(0, Math.max(0, at)).reverse()]
  const same = card && others.map((other) => sameOf(other, button.dataset)).find(Boolean)
  const heading = button.closest('section')?.querySelector('h2')
  ;(same ?? (isLast ? button.closest('[tabindex="-1"]') : heading))?.focus()
}
