/**
 * Measures the built page in Chromium with the processor slowed down four times, as Lighthouse does: scripts at the
 * first load, first contentful paint, layout shift, and the slowest interaction. Run `npm run build` first.
 */
import { gzipSync } from 'node:zlib'

import { findChromium, launchBrowser } from './browser.mjs'
import { Server } from './server.mjs'

const SLOWDOWN = 4
const VIEWPORT = { width: 1280, height: 900 }

/** Runs in the page, before anything of it. */
function observe() {
  window.measured = { shift: 0, interactions: [] }
  const each = (type, onEntry, options = {}) =>
    new PerformanceObserver((list) => list.getEntries().forEach(onEntry)).observe({ type, buffered: true, ...options })
  each('layout-shift', ({ value, hadRecentInput }) => (window.measured.shift += hadRecentInput ? 0 : value))
  const onEvent = ({ name, duration, interactionId }) => interactionId && window.measured.interactions.push([duration, name])
  each('event', onEvent, { durationThreshold: 16 })
}

async function openSlowly(browser, url) {
  const context = await browser.newContext({ viewport: VIEWPORT, locale: 'en-US', serviceWorkers: 'block' })
  const page = await context.newPage()
  const scripts = []
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') scripts.push(response.body())
  })
  await page.addInitScript(observe)
  const devtools = await context.newCDPSession(page)
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN })
  await page.goto(url)
  await page.locator('.studio').waitFor()
  return { page, scripts }
}

/** What a person does: types, moves the slider, changes shape, opens and closes the large view. */
async function interact(page) {
  await page.locator('textarea.prompt').click()
  await page.keyboard.type('a red fox on a blue background', { delay: 40 })
  await page.getByRole('slider', { name: 'Steps' }).press('ArrowRight')
  await page.getByRole('radio', { name: '16:9' }).check()
  await page.getByRole('button', { name: 'Simple' }).click()
  await page.getByRole('button', { name: 'Advanced' }).click()
  await page.locator('.stage').click()
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Escape')
  await page.waitForTimeout(1000)
}

const server = await Server.create()
const browser = await launchBrowser(findChromium())
try {
  for (let number = 0; number < 24; number += 1) await server.submit({ prompt: `picture ${number}` })
  await server.idle()
  const { page, scripts } = await openSlowly(browser, server.url)
  await page.locator('.card-picture img').first().waitFor()
  await page.waitForTimeout(1000)
  const bytes = (await Promise.all(scripts)).reduce((sum, body) => sum + gzipSync(body).length, 0)
  const loaded = await page.evaluate(() => ({
    firstContentfulPaintMs: Math.round(performance.getEntriesByName('first-contentful-paint')[0].startTime),
    layoutShiftWhileLoading: Number(window.measured.shift.toFixed(4)),
  }))
  await interact(page)
  const slowest = await page.evaluate(() => window.measured.interactions.sort((a, b) => b[0] - a[0]).slice(0, 5))
  console.log(JSON.stringify({ slowdown: SLOWDOWN, scriptsGzipBytes: bytes, ...loaded, slowestInteractionsMs: slowest }, null, 2))
} finally {
  await browser.close()
  await server.dispose()
}
