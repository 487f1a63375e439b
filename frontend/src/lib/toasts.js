/** Sentences in sight at a time. */
const SHOWN = 3
/** Steps that can be taken back. */
const KEPT = 100

/**
 * What is said, and what can be taken back, each with the newest last: `{toasts, steps}`.
 *
 * A toast is `{id, version, text, action, group, count}`, a step `{id, toast, undo, items, stays}`; the step of a toast
 * that goes away goes with it, unless it `stays`.
 */
export const SILENCE = Object.freeze({ toasts: [], steps: [] })

function isSame(toast, { text, undo, group }) {
  if (group) return toast.group?.name === group.name
  return !undo && !toast.undoable && !toast.group && toast.text === text
}

/** Those of the steps that live on when only these toasts are in sight. */
function living(steps, toasts) {
  const shown = new Set(toasts.map(({ id }) => id))
  return steps.filter(({ toast, stays }) => stays || shown.has(toast)).slice(-KEPT)
}

/**
 * Says something more, as the last of the toasts. What says the same as one in sight takes its place.
 *
 * `group` is `{name, items, say}`: what is said of one name is said in one sentence, `say(count)` of all its items,
 * and each step of it can be taken back on its own, for long.
 */
export function withToast({ toasts, steps }, id, said) {
  const { text, action, undo, group } = said
  const same = toasts.find((toast) => isSame(toast, said))
  const count = (same?.count ?? 0) + (group?.items.length ?? 0)
  const toast = {
    id: same?.id ?? id,
    version: id,
    text: group ? group.say(count) : text,
    action,
    group,
    count,
    undoable: Boolean(undo),
  }
  const shown = [...toasts.filter((other) => other !== same), toast].slice(-SHOWN)
  const step = undo && { id, toast: toast.id, undo, items: group?.items, stays: Boolean(group) }
  return { toasts: shown, steps: living(step ? [...steps, step] : steps, shown) }
}

/** Without one of the toasts. */
export function withoutToast({ toasts, steps }, id) {
  const shown = toasts.filter((toast) => toast.id !== id)
  return { toasts: shown, steps: living(steps, shown) }
}

function counted(toast, step) {
  if (toast.id !== step.toast) return toast
  const count = toast.count - (step.items?.length ?? 0)
  return count > 0 ? { ...toast, count, text: toast.group.say(count) } : null
}

/** Without a step, of which its toast says no more. */
export function withoutStep({ toasts, steps }, step) {
  const shown = toasts.map((toast) => counted(toast, step)).filter(Boolean)
  return { toasts: shown, steps: steps.filter((other) => other !== step) }
}

/** Without a toast and all its steps: `{rest, undo}`, of which `undo()` takes them back in one. */
export function takenBack({ toasts, steps }, id) {
  const own = steps.filter(({ toast }) => toast === id)
  const rest = { toasts: toasts.filter((toast) => toast.id !== id), steps: steps.filter((step) => !own.includes(step)) }
  const items = own.flatMap((step) => step.items ?? [])
  return { rest, undo: () => own.at(-1)?.undo(items) }
}

/** The step that is taken back next, or undefined; `inSight` asks only for those of which a toast is in sight. */
export function lastStep({ toasts, steps }, { inSight = false } = {}) {
  return steps.findLast((step) => !inSight || toasts.some(({ id }) => id === step.toast))
}
