/** Does what is long when the browser has shown what was clicked: the whole page in another language or theme takes a while. */
export function afterPaint(work) {
  requestAnimationFrame(() => setTimeout(work))
}
