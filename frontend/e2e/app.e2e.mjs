import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, afterEach, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

import { findChromium, launchBrowser, openPage } from './browser.mjs'
import { Server } from './server.mjs'

const executable = findChromium()
if (!executable) {
  console.error('\n!!! NO CHROMIUM FOUND: EVERY BROWSER TEST IS SKIPPED. Install chromium or set CHROMIUM_PATH. !!!\n')
}

/** A request that stays on its way for a while, even on a fast machine. */
const LONG = { width: 512, height: 512, num_inference_steps: 50, model: 'zimage-nano' }
const QUICK = { width: 256, height: 256, num_inference_steps: 2, model: 'zimage-nano' }
/** What the first view may cost, compressed. */
const SCRIPT_BUDGET_BYTES = 200_000
/** What the browser says by itself when a request is refused or the server is gone. */
const NETWORK_NOISE = /Failed to load resource/

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

let browser
let server
let pages = []

async function open({ path = '/', ...options } = {}) {
  const page = await openPage(browser, server.url + path, options)
  pages.push(page)
  return page
}

const promptOf = (page) => page.locator('textarea')
const submitOf = (page) => page.locator('button[type=submit]')
const taskOf = (page, prompt) => page.locator('.task', { hasText: prompt })
const seen = (locator) => locator.first().waitFor({ state: 'visible', timeout: 60_000 })
const gone = (locator) => locator.first().waitFor({ state: 'hidden', timeout: 60_000 })

async function generate(page, prompt) {
  await promptOf(page).fill(prompt)
  await submitOf(page).click()
}

/** Collects the values of a task's progress bar until it ends. */
async function watchProgress(page, prompt) {
  const values = []
  const bar = taskOf(page, prompt).locator('progress')
  const limit = Date.now() + 120_000
  while ((await taskOf(page, prompt).getAttribute('data-status')) !== 'completed') {
    assert.ok(Date.now() < limit, `${prompt} did not complete`)
    const value = await bar.getAttribute('value', { timeout: 500 }).catch(() => null)
    if (value !== null) values.push(Number(value))
    await sleep(50)
  }
  return values
}

/** Fills the history up to `count`, past the browser. */
async function havePictures(count) {
  const { total } = await server.get('/history')
  for (let number = total; number < count; number += 1) await server.submit({ prompt: `picture ${number}` })
  await server.idle()
}

async function assertNoSidewaysScroll(page) {
  const [content, window] = await page.evaluate(() => {
    const root = document.documentElement
    return [root.scrollWidth, root.clientWidth]
  })
  assert.ok(content <= window, `the page is ${content} px wide in a window of ${window} px`)
}

describe('Z-Image in a browser', { skip: executable ? false : 'no Chromium found', timeout: 480_000 }, () => {
  before(async () => {
    browser = await launchBrowser(executable)
    server = await Server.create()
  })

  afterEach(async () => {
    const complaints = pages.flatMap((page) => page.complaints).filter((text) => !NETWORK_NOISE.test(text))
    await Promise.all(pages.map((page) => page.context().close()))
    pages = []
    assert.deepEqual(complaints, [], 'the browser complains about nothing')
  })

  after(async () => {
    await browser?.close()
    await server?.dispose()
  })

  it('teaches while there are no pictures', async () => {
    const page = await open()
    await seen(page.getByText('Your picture appears here'))
    await seen(page.getByText('No pictures yet'))
  })

  for (const [locale, prompt] of [
    ['zh-CN', '一只红色的狐狸'],
    ['en-US', 'a red apple'],
  ]) {
    it(`makes a picture of “${prompt}”, with live progress`, async () => {
      const page = await open({ locale, settings: LONG })
      await generate(page, prompt)
      await seen(taskOf(page, prompt))
      const values = await watchProgress(page, prompt)
      assert.deepEqual(values, values.toSorted((a, b) => a - b), 'progress never goes back')
      assert.ok(values.some((value) => value > 0 && value < 100), `progress is seen on its way: ${values}`)

      const latest = page.locator('.stage-image')
      await seen(latest)
      await page.waitForFunction((text) => document.querySelector('.stage-image')?.alt === text, prompt)
      await latest.evaluate((image) => image.decode())
      const { width, height } = await server.get('/images/latest') // the embedded model may draw smaller than asked
      assert.equal(await latest.evaluate((image) => image.naturalWidth), width)
      await seen(page.locator('.latest dd', { hasText: `${width} × ${height}` }))
      await page.waitForFunction((text) => document.querySelector('.card-picture img')?.alt === text, prompt)

      const href = await page.locator('.latest a[download]').getAttribute('href')
      const file = await (await page.request.get(href)).body()
      assert.equal(file.subarray(1, 4).toString('latin1'), 'PNG')
    })
  }

  it('is light, and asks nobody else', async () => {
    const scripts = []
    const foreign = []
    const page = await open({ path: '/favicon.svg' })
    page.on('request', (request) => {
      if (!request.url().startsWith(`${server.url}/`)) foreign.push(request.url())
    })
    page.on('response', (response) => {
      if (response.request().resourceType() === 'script') scripts.push(response.body())
    })
    await page.goto(server.url)
    await seen(submitOf(page))
    const sizes = (await Promise.all(scripts)).map((body) => gzipSync(body).length)
    const total = sizes.reduce((sum, size) => sum + size, 0)
    assert.ok(total > 0 && total <= SCRIPT_BUDGET_BYTES, `${total} bytes of compressed scripts`)
    assert.deepEqual(foreign, [])
  })

  it('cancels within a step and keeps nothing', async () => {
    const { total } = await server.get('/history')
    const page = await open({ settings: LONG })
    await generate(page, 'never to be seen')
    const task = taskOf(page, 'never to be seen')
    await seen(page.locator('.task-processing', { hasText: 'never to be seen' }))
    await task.getByRole('button', { name: /^Cancel/ }).click()
    await seen(page.locator('.task-cancelled', { hasText: 'never to be seen' }))
    assert.equal((await server.get('/history')).total, total)
  })

  it('finds its running and waiting tasks again after a refresh', async () => {
    const page = await open({ settings: { ...LONG, prompt: '' } })
    for (const prompt of ['first of three', 'second of three', 'third of three']) {
      await generate(page, prompt)
      await seen(taskOf(page, prompt))
    }
    await seen(taskOf(page, 'third of three').getByText(/ahead|Next in the queue/))
    await page.reload()
    await seen(taskOf(page, 'third of three').locator('progress'))
    assert.equal(await promptOf(page).inputValue(), 'third of three', 'the form is kept too')
    await taskOf(page, 'third of three').getByRole('button', { name: /^Cancel/ }).click()
    await seen(page.locator('.task-cancelled', { hasText: 'third of three' }))
    await server.cancelAll()
  })

  it('makes one task of a double click', async () => {
    const page = await open({ settings: QUICK })
    let posts = 0
    page.on('request', (request) => (posts += request.method() === 'POST' ? 1 : 0))
    await promptOf(page).fill('a double click')
    await submitOf(page).dblclick()
    await seen(page.locator('.task-completed', { hasText: 'a double click' }))
    assert.equal(posts, 1)
  })

  it('says at the field what is wrong, and goes there', async () => {
    const page = await open()
    await submitOf(page).click()
    await seen(page.getByText('Write what the picture should show.'))
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'TEXTAREA')

    await promptOf(page).fill('an odd size')
    await page.getByRole('radio', { name: 'Custom' }).check()
    const width = page.getByRole('spinbutton', { name: 'Width' })
    await width.fill('500')
    await submitOf(page).click()
    await seen(page.getByText('divisible by 16', { exact: false }))
    assert.equal(await width.getAttribute('aria-invalid'), 'true')
    assert.equal(await width.evaluate((input) => input === document.activeElement), true)
  })

  it("shows the server's own refusal at its field", async () => {
    const page = await open()
    // What the form would catch itself reaches the server this way.
    await page.route('**/api/generate', async (route) => {
      if (route.request().method() !== 'POST') return route.continue()
      return route.continue({ postData: JSON.stringify({ ...route.request().postDataJSON(), seed: -5 }) })
    })
    await generate(page, 'a bad seed')
    const seed = page.getByRole('textbox', { name: 'Seed' })
    await page.waitForFunction(() => document.querySelector('[aria-invalid="true"]') !== null)
    assert.equal(await seed.getAttribute('aria-invalid'), 'true')
    assert.equal(await seed.evaluate((input) => input === document.activeElement), true)
  })

  it('pages, enlarges, reuses and deletes pictures', async () => {
    await havePictures(23)
    const page = await open()
    await seen(page.getByText('Page 1 of 2'))
    assert.equal(await page.locator('.card-picture img').count(), 20)
    await page.getByRole('button', { name: 'Older' }).click()
    await seen(page.getByText('Page 2 of 2'))
    assert.match(page.url(), /\?page=2$/)
    await page.reload()
    await seen(page.getByText('Page 2 of 2'))
    await page.goBack()
    await seen(page.getByText('Page 1 of 2'))

    await page.locator('.card-picture').first().click()
    const dialog = page.getByRole('dialog')
    await seen(dialog.getByText('Picture 1 of 20'))
    await page.keyboard.press('ArrowRight')
    await seen(dialog.getByText('Picture 2 of 20'))
    await page.keyboard.press('ArrowLeft')
    await dialog.getByRole('button', { name: 'Use these settings' }).click()
    await gone(dialog)
    assert.match(await promptOf(page).inputValue(), /^picture \d+$/)
    await page.locator('.card-picture').first().click()
    await seen(dialog)
    await page.keyboard.press('Escape')
    await gone(dialog)

    const { total } = await server.get('/history')
    const doomed = await page.locator('.card-picture img').first().getAttribute('alt')
    await page.locator('.card-item').first().hover()
    await page.getByRole('button', { name: `Delete: ${doomed}` }).click()
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await gone(dialog)
    await page.waitForFunction((alt) => document.querySelector('.card-picture img')?.alt !== alt, doomed)
    assert.equal((await server.get('/history')).total, total - 1)
  })

  it('says honestly when only the demo model is there', async () => {
    const installed = (await server.get('/models')).models.filter((model) => model.installed)
    const page = await open()
    await seen(page.locator('.latest'))
    const banner = page.getByText('Demo model.')
    if (installed.every((model) => model.demo)) await seen(banner)
    else assert.equal(await banner.count(), 0)
  })

  it('switches language and theme, and remembers both', async () => {
    const page = await open({ colorScheme: 'dark' })
    const theme = () => page.evaluate(() => document.documentElement.dataset.bsTheme)
    assert.equal(await theme(), 'dark')
    await page.getByRole('button', { name: 'Light', exact: true }).click()
    await page.getByRole('button', { name: '中文' }).click()
    await seen(page.getByRole('heading', { name: '画廊' }))
    await page.reload()
    await seen(page.getByRole('heading', { name: '画廊' }))
    assert.equal(await theme(), 'light')
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-Hans')
  })

  for (const colorScheme of ['light', 'dark']) {
    it(`has no barrier that axe finds, in ${colorScheme}`, async () => {
      await havePictures(1)
      const page = await open({ colorScheme })
      await submitOf(page).click() // With its errors shown.
      await seen(page.locator('.card-picture'))
      await page.addScriptTag({ path: AXE })
      const barriers = () =>
        page.evaluate(async () => {
          const { violations } = await window.axe.run()
          return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
        })
      assert.deepEqual(await barriers(), [])
      await page.locator('.card-picture').first().click()
      await seen(page.getByRole('dialog').getByText('Picture 1 of', { exact: false }))
      await sleep(400) // A dialog that is still fading in has no full contrast yet.
      assert.deepEqual(await barriers(), [])
    })
  }

  for (const width of [320, 360, 768, 1440]) {
    it(`fits a window of ${width} px`, async () => {
      await havePictures(1)
      const page = await open({ viewport: { width, height: 800 }, hasTouch: width < 700, isMobile: width < 700 })
      await seen(page.locator('.stage-image'))
      await seen(page.locator('.card-picture'))
      await page.getByRole('radio', { name: 'Custom' }).check()
      await assertNoSidewaysScroll(page)
      await page.getByRole('button', { name: '中文' }).click()
      await assertNoSidewaysScroll(page)
      await page.locator('.card-picture').first().click()
      await seen(page.getByRole('dialog'))
      await assertNoSidewaysScroll(page)
    })
  }

  it('says when the server dies in the middle, and goes on when it is back', async () => {
    const { total } = await server.get('/history')
    const page = await open({ settings: LONG })
    await generate(page, 'struck by lightning')
    await generate(page, 'waiting behind it')
    await seen(page.locator('.task-processing', { hasText: 'struck by lightning' }))
    await seen(taskOf(page, 'waiting behind it'))
    await server.kill()
    await seen(page.getByRole('alert').filter({ hasText: 'The server does not answer' }))
    await server.start()
    await seen(page.locator('.task-interrupted', { hasText: 'struck by lightning' }))
    await gone(page.getByRole('alert').filter({ hasText: 'The server does not answer' }))
    await seen(page.locator('.task-completed', { hasText: 'waiting behind it' }))
    assert.equal((await server.get('/history')).total, total + 1)
  })
})
