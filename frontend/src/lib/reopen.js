import { siteFolder } from './site.js'

/** Loads the page anew, its files too. */
export function reloadPage() {
  window.location.reload()
}

/** Opens the page as if it were the first time: without what its address asks for. */
export function reopenPage() {
  window.location.replace(siteFolder())
}
