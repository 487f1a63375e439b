const RADIUS = 27
const ROUND = 2 * Math.PI * RADIUS

/** The page's mark with a ring around it that is full at 100 %, as an address. */
export function ringUrl(percent) {
  const done = (ROUND * percent) / 100
  const ring = `fill="none" stroke-width="10" cx="32" cy="32" r="${RADIUS}"`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><circle cx="32" cy="32" r="32" fill="#07473b"/>
<circle ${ring} stroke="#2f6f61"/><circle ${ring} stroke="#ffc861" stroke-dasharray="${done} ${ROUND}" transform="rotate(-90 32 32)"/>
<path d="M23 24h18L24 41h18" fill="none" stroke="#fff" stroke-width="6" stroke-linecap="round" stroke-linejoin="round"/></svg>`
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}

/** Shows another icon in the tab; returns a function that brings the page's own back. */
export function showIcon(url) {
  const link = document.querySelector('link[rel=icon]')
  if (!link) return () => {}
  const own = link.dataset.own ?? link.getAttribute('href')
  link.dataset.own = own
  link.setAttribute('href', url)
  return () => link.setAttribute('href', own)
}
