/**
 * Measures the built page in Chromium: its first load, its slowest interactions (medians of three fresh loads) and what
 * moves while a picture arrives, with the processor slowed down four times as Lighthouse does; and ten thousand
 * pictures that scroll by, at full speed. Run `npm run build` first, on a machine that does nothing else.
 */
import { Buffer } from 'node:buffer'

import { findChromium, launchBrowser } from './browser.mjs'
import { measureArrival, measureInteractions } from './perf/interact.mjs'
import { measureLoad } from './perf/load.mjs'
import { summary } from './perf/page.mjs'
import { measureScroll } from './perf/scroll.mjs'
import { Server } from './server.mjs'

const SLOWDOWN = 4
const ROUNDS = 3
const PICTURES = 24

async function thumbnailsOf(server) {
  const { images } = await server.get(`/history?page_size=${PICTURES}`)
  const answers = images.map(({ thumbnail_url: url }) => fetch(`${server.url}${url}?w=256`))
  return Promise.all(answers.map(async (answer) => Buffer.from(await (await answer).arrayBuffer())))
}

/** The middle one of each figure over the rounds: a machine that others use has slow moments. */
function medians(rounds, names) {
  return Object.fromEntries(names.map((name) => [name, summary(rounds.map((round) => round[name])).median]))
}

const executable = findChromium()
if (!executable) throw new Error('no Chromium found: install chromium or set CHROMIUM_PATH')
const server = await Server.create()
const browser = await launchBrowser(executable)
try {
  for (let number = 0; number < PICTURES; number += 1) await server.submit({ prompt: `picture ${number}` })
  await server.idle(300_000)
  const loads = []
  const acts = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const { page, load } = await measureLoad(browser, server.url, SLOWDOWN)
    loads.push(load)
    acts.push(await measureInteractions(page))
    await page.context().close()
  }
  const again = await measureLoad(browser, server.url, SLOWDOWN)
  const arrival = await measureArrival(again.page)
  await again.page.context().close()
  const scroll = await measureScroll(browser, server.url, await thumbnailsOf(server))
  const load = { ...loads[0], ...medians(loads, ['firstContentfulPaintMs', 'formSeenMs', 'layoutShift']) }
  const interactionsMs = medians(acts, Object.keys(acts[0]))
  console.log(JSON.stringify({ slowdown: SLOWDOWN, rounds: ROUNDS, load, interactionsMs, arrival, scroll }, null, 2))
} finally {
  await browser.close()
  await server.dispose()
}
