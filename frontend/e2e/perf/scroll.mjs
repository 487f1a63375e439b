import { readFile } from 'node:fs/promises'

import { MANY, pretendMany } from '../manyPictures.mjs'
import { openMeasured, summary } from './page.mjs'

const SPEED_PX_PER_S = 3000
const SECONDS = 8
/** A frame at 60 Hz that came one later than it should. */
const DROPPED_MS = 25

/** Runs in the page: scrolls on evenly and notes how long each frame took. */
function scrollOn([speed, seconds]) {
  return new Promise((resolve) => {
    const frames = []
    let last = performance.now()
    const end = last + seconds * 1000
    const step = (now) => {
      frames.push(now - last)
      window.scrollBy({ top: (speed * (now - last)) / 1000, behavior: 'instant' })
      last = now
      if (now < end) requestAnimationFrame(step)
      else resolve(frames.slice(1))
    }
    requestAnimationFrame(step)
  })
}

/** Bytes that the tab's process holds for itself, decoded pictures included; null where the system does not tell. */
async function privateBytes(browser) {
  const devtools = await browser.newBrowserCDPSession()
  const { processInfo } = await devtools.send('SystemInfo.getProcessInfo')
  const sizes = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(async ({ id }) => {
      const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '')
      return Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
    })
  return Math.max(...(await Promise.all(sizes))) || null
}

async function heapBytes(devtools) {
  await devtools.send('HeapProfiler.collectGarbage')
  await devtools.send('Performance.enable')
  const { metrics } = await devtools.send('Performance.getMetrics')
  return metrics.find(({ name }) => name === 'JSHeapUsedSize').value
}

/**
 * Frames and memory while ten thousand pictures scroll by.
 *
 * `thumbnails` are the bytes of real ones, which stand in turns for all; each card loads and decodes its own.
 */
export async function measureScroll(browser, url, thumbnails) {
  const { page, devtools } = await openMeasured(browser)
  await pretendMany(page)
  await page.route(/\/api\/images\/[0-9a-f]{32}\/thumbnail/, (route) => {
    const number = Number.parseInt(/images\/([0-9a-f]{32})/.exec(route.request().url())[1], 16)
    return route.fulfill({ body: thumbnails[number % thumbnails.length], contentType: 'image/webp' })
  })
  await page.goto(`${url}/?view=scroll`)
  await page.locator('.endless .card-picture img').first().waitFor()
  await page.locator('.endless').evaluate((list) => list.scrollIntoView())
  const frames = await page.evaluate(scrollOn, [SPEED_PX_PER_S, SECONDS])
  for (const share of [0.25, 0.5, 0.75, 1]) {
    await page.evaluate((part) => window.scrollTo(0, document.documentElement.scrollHeight * part), share)
    frames.push(...(await page.evaluate(scrollOn, [-SPEED_PX_PER_S, 1])))
  }
  const cards = await page.locator('.card-item').count()
  const facts = {
    entries: MANY,
    framesPerSecond: Number(((1000 * frames.length) / frames.reduce((sum, ms) => sum + ms, 0)).toFixed(1)),
    frameMs: summary(frames),
    droppedShare: Number((frames.filter((ms) => ms > DROPPED_MS).length / frames.length).toFixed(4)),
    cards,
    heapBytes: await heapBytes(devtools),
    tabBytes: await privateBytes(browser),
  }
  await page.context().close()
  return facts
}
