/**
 * Does what is long when the browser has shown what was clicked: the whole page in another language or theme takes a while.
 * Returns a function that calls it off.
 */
export function afterPaint(work) {
  let timer
  const frame = requestAnimationFrame(() => {
    timer = setTimeout(work)
  })
  return () => {
    cancelAnimationFrame(frame)
    clearTimeout(timer)
  }
}
