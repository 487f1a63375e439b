import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'

import { findChromium, launchBrowser, openPage } from './browser.mjs'
import { Server } from './server.mjs'

/** What the browser says by itself when a request is refused, the server is gone, or the page came over plain HTTP. */
const NETWORK_NOISE = /Failed to load resource|ERR_CONNECTION_REFUSED|Cross-Origin-Opener-Policy header has been ignored/
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const LIMIT_MS = 60_000
/** What a dialog hides from everyone needs no second look. */
export const DIALOG = '[role=dialog]'

export const executable = findChromium()
if (!executable) {
  console.error('\n!!! NO CHROMIUM FOUND: EVERY BROWSER TEST IS SKIPPED. Install chromium or set CHROMIUM_PATH. !!!\n')
}

/** A request that stays on its way for a while, even on a fast machine. */
export const LONG = { width: 256, height: 256, num_inference_steps: 50, model: 'zimage-nano' }
export const QUICK = { width: 256, height: 256, num_inference_steps: 2, model: 'zimage-nano' }

export const promptOf = (page) => page.locator('textarea.prompt')
export const submitOf = (page) => page.locator('.form-actions button[type=submit]')
export const taskOf = (page, prompt) => page.locator('.task', { hasText: prompt })
export const endOf = (page, status, prompt) => page.locator(`.task-${status}`, { hasText: prompt })
export const seen = (locator) => locator.first().waitFor({ state: 'visible', timeout: LIMIT_MS })
export const gone = (locator) => locator.first().waitFor({ state: 'hidden', timeout: LIMIT_MS })

/** The pixels of what is at an address of the server: `{width, height, data}`, four bytes each. */
export function pixelsOf(page, address) {
  return page.evaluate(async (url) => {
    const bitmap = await createImageBitmap(await (await fetch(url)).blob())
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
    const context = canvas.getContext('2d')
    context.drawImage(bitmap, 0, 0)
    const { width, height, data } = context.getImageData(0, 0, bitmap.width, bitmap.height)
    return { width, height, data: Array.from(data) }
  }, address)
}

export async function generate(page, prompt) {
  await promptOf(page).fill(prompt)
  await submitOf(page).click()
}

/** What the tests share: one browser, one real server, and the pages that a test has opened. */
export class Stage {
  #pages = []

  async rise() {
    this.browser = await launchBrowser(executable)
    this.server = await Server.create()
  }

  async fall() {
    await this.browser?.close()
    await this.server?.dispose()
  }

  async open({ path = '/', url = this.server.url + path, ...options } = {}) {
    const page = await openPage(this.browser, url, options)
    this.#pages.push(page)
    return page
  }

  /** Another tab of the same person. */
  async openBeside(page, path = '/') {
    const beside = await page.context().newPage()
    await beside.goto(this.server.url + path)
    return beside
  }

  /** Lets the page believe that the catalogue is another one: `change` makes a model of each. */
  async pretendModels(page, change) {
    await page.route('**/api/models', async (route) => {
      const answer = await (await route.fetch()).json()
      return route.fulfill({ json: { ...answer, models: answer.models.map(change) } })
    })
  }

  /** A page with a model that draws every size. */
  async openWithEverySize(options) {
    const page = await this.open({ ...options, path: '/favicon.svg' })
    await this.pretendModels(page, (model) => ({ ...model, sizes: [] }))
    await page.goto(this.server.url)
    return page
  }

  /** Closes what a test has opened, and fails where the browser complained. */
  async clear() {
    const complaints = this.#pages.flatMap((page) => page.complaints).filter((text) => !NETWORK_NOISE.test(text))
    // An answer that is still being made up has nobody left to go to.
    await Promise.all(this.#pages.map((page) => page.unrouteAll({ behavior: 'ignoreErrors' })))
    await Promise.all(this.#pages.map((page) => page.context().close()))
    this.#pages = []
    assert.deepEqual(complaints, [], 'the browser complains about nothing')
  }

  /** Fills the history up to `count`, past the browser. */
  async havePictures(count) {
    const { total } = await this.server.get('/history')
    for (let number = total; number < count; number += 1) await this.server.submit({ prompt: `picture ${number}` })
    await this.server.idle()
  }
}

/** Collects the values of a task's progress bar until it ends. */
export async function watchProgress(page, prompt) {
  const values = []
  const bar = taskOf(page, prompt).locator('progress')
  const limit = Date.now() + 2 * LIMIT_MS
  while ((await taskOf(page, prompt).getAttribute('data-status')) !== 'completed') {
    assert.ok(Date.now() < limit, `${prompt} did not complete`)
    const value = await bar.getAttribute('value', { timeout: 500 }).catch(() => null)
    if (value !== null) values.push(Number(value))
    await sleep(50)
  }
  return values
}

export async function assertNoSidewaysScroll(page) {
  const [content, window] = await page.evaluate(() => {
    const root = document.documentElement
    return [root.scrollWidth, root.clientWidth]
  })
  assert.ok(content <= window, `the page is ${content} px wide in a window of ${window} px`)
}

/** What axe finds on the page as it is now, or in a part of it. */
export async function barriersOf(page, part = 'html') {
  await sleep(400) // A dialog that is still fading in has no full contrast yet.
  // Evaluated, not added as a script: the page's content security policy allows no foreign ones.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE)
  return page.evaluate(async (selector) => {
    const { violations } = await window.axe.run(selector)
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  }, part)
}

