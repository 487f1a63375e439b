// Runs before the first paint, so that a dark page never flashes white. Mirrors src/hooks/ui/useTheme.js and src/lib/site.js.
;(function () {
  var choice = 'auto'
  try {
    var folder = new URL('.', document.baseURI).pathname
    choice = JSON.parse(localStorage.getItem((folder === '/' ? '' : folder) + 'zimage.theme')) || 'auto'
  } catch {
    // Storage may be blocked or hold something foreign: the system's choice stands.
  }
  var dark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.setAttribute('data-bs-theme', dark ? 'dark' : 'light')
})()
