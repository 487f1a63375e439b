/** Lets the page's own files work without a server. Where browsers know no service workers, nothing is lost. */
export function registerServiceWorker(navigator = window.navigator) {
  // Over plain HTTP from another machine there is none.
  if (!navigator.serviceWorker) return
  window.addEventListener('load', () => navigator.serviceWorker.register('sw.js'))
}
