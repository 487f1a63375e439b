import { gzipSync } from 'node:zlib'

import { openMeasured } from './page.mjs'

const SETTLE_MS = 1000

/** When something, and when all that can be used is seen; what the first load costs and moves. Leaves the page open. */
export async function measureLoad(browser, url, slowdown) {
  const { page } = await openMeasured(browser, { slowdown })
  const scripts = []
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') scripts.push(response)
  })
  await page.goto(url)
  await page.locator('.studio').waitFor()
  const formSeenMs = await page.evaluate(() => Math.round(performance.now()))
  await page.locator('.card-picture img').first().waitFor()
  await page.waitForTimeout(SETTLE_MS)
  const bytes = (await Promise.all(scripts.map((script) => script.body()))).reduce((sum, body) => sum + gzipSync(body).length, 0)
  const facts = await page.evaluate(() => ({
    firstContentfulPaintMs: Math.round(performance.getEntriesByName('first-contentful-paint')[0].startTime),
    layoutShift: Number(window.measured.shift.toFixed(4)),
    shifted: window.measured.shifts,
  }))
  return { page, load: { scriptsGzipBytes: bytes, formSeenMs, ...facts } }
}
