/** The address of a door, seen from this page: on the page's own port and below its folder, or on a port of its own. */
export function addressOf({ path, port }, page = document.baseURI) {
  const url = new URL('.', page)
  if (port) {
    url.port = port
    url.pathname = '/'
    if (url.protocol === 'https:') url.protocol = 'http:' // No proxy stands before that port.
  }
  return `${url.origin}${url.pathname.replace(/\/$/, '')}${path}`
}
