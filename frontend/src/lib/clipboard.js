/** Copies a text the old way, which browsers also allow to pages that came over plain HTTP. */
function copyByCommand(text) {
  let copied = false
  const onCopy = (event) => {
    event.clipboardData.setData('text/plain', text)
    event.preventDefault()
    event.stopImmediatePropagation()
    copied = true
  }
  document.addEventListener('copy', onCopy, true)
  try {
    return document.execCommand('copy') && copied
  } finally {
    document.removeEventListener('copy', onCopy, true)
  }
}

/** Copies a text; answers whether that was allowed. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyByCommand(text)
  }
}

/**
 * Copies a PNG, which `load` promises. Answers why that could not be, as an i18n key, or null.
 *
 * There is no old way: browsers give their clipboard to pages of https and of this machine only.
 */
export async function copyPicture(load) {
  if (!window.isSecureContext) return 'errors.copyInsecure'
  if (!navigator.clipboard?.write || !window.ClipboardItem) return 'errors.copyUnknown'
  const picture = load() // Not waited for: the click would be forgotten.
  try {
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': picture })])
    return null
  } catch {
    await picture // What the server refused is the better reason.
    return 'errors.clipboard'
  }
}
