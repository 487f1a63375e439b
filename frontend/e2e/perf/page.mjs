const VIEWPORT = { width: 1280, height: 900 }

/** Runs in the page, before anything of it. */
function observe() {
  window.measured = { shift: 0, shifts: [], interactions: [] }
  const each = (type, onEntry, options = {}) =>
    new PerformanceObserver((list) => list.getEntries().forEach(onEntry)).observe({ type, buffered: true, ...options })
  each('layout-shift', ({ value, hadRecentInput, sources }) => {
    if (hadRecentInput) return
    window.measured.shift += value
    window.measured.shifts.push([Number(value.toFixed(4)), sources.map(({ node }) => node?.className || node?.nodeName)])
  })
  const onEvent = ({ name, duration, interactionId }) => interactionId && window.measured.interactions.push([duration, name])
  each('event', onEvent, { durationThreshold: 16 })
}

/** A page of a fresh profile that notes its shifts and interactions, on a processor slowed down `slowdown` times. */
export async function openMeasured(browser, { slowdown = 1 } = {}) {
  const context = await browser.newContext({ viewport: VIEWPORT, locale: 'en-US', serviceWorkers: 'block' })
  const page = await context.newPage()
  await page.addInitScript(observe)
  const devtools = await context.newCDPSession(page)
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: slowdown })
  return { page, devtools }
}

/** The largest and the middle one of some numbers, and the one that 95 of 100 stay below. */
export function summary(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share) => Number(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1))
  return { median: at(0.5), p95: at(0.95), max: at(1) }
}
