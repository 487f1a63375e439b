import assert from 'node:assert/strict'
import { it } from 'node:test'
import { gzipSync } from 'node:zlib'

import { endOf, generate, LONG, promptOf, QUICK, seen, submitOf, taskOf, watchProgress } from '../stage.mjs'

/** What the first view may cost, compressed. */
const SCRIPT_BUDGET_BYTES = 200_000

/** From a prompt to a picture, and what may happen on the way. */
export function mainJob(stage) {
  it('teaches while there are no pictures', async () => {
    const page = await stage.open()
    await seen(page.getByText('Your picture appears here'))
    await seen(page.getByText('No pictures yet'))
  })

  for (const [locale, prompt] of [
    ['zh-CN', '一只红色的狐狸'],
    ['en-US', 'a red apple'],
  ]) {
    it(`makes a picture of “${prompt}”, with live progress`, async () => {
      const page = await stage.open({ locale, settings: LONG })
      await generate(page, prompt)
      await seen(taskOf(page, prompt))
      const values = await watchProgress(page, prompt)
      assert.deepEqual(values, values.toSorted((a, b) => a - b), 'progress never goes back')
      assert.ok(values.some((value) => value > 0 && value < 100), `progress is seen on its way: ${values}`)

      const latest = page.locator('.stage-image')
      await seen(latest)
      await page.waitForFunction((text) => document.querySelector('.stage-image')?.alt === text, prompt)
      await latest.evaluate((image) => image.decode())
      const { width, height } = await stage.server.get('/images/latest') // the embedded model may draw smaller than asked
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
    const page = await stage.open({ path: '/favicon.svg' })
    page.on('request', (request) => {
      if (!request.url().startsWith(`${stage.server.url}/`)) foreign.push(request.url())
    })
    page.on('response', (response) => {
      if (response.request().resourceType() === 'script') scripts.push(response)
    })
    await page.goto(stage.server.url)
    await seen(submitOf(page))
    const sizes = (await Promise.all(scripts.map((script) => script.body()))).map((body) => gzipSync(body).length)
    const total = sizes.reduce((sum, size) => sum + size, 0)
    assert.ok(total > 0 && total <= SCRIPT_BUDGET_BYTES, `${total} bytes of compressed scripts`)
    assert.deepEqual(foreign, [])
  })

  it('cancels within a step and keeps nothing', async () => {
    const { total } = await stage.server.get('/history')
    const page = await stage.open({ settings: LONG })
    await generate(page, 'never to be seen')
    const task = taskOf(page, 'never to be seen')
    await seen(page.locator('.task-processing', { hasText: 'never to be seen' }))
    await task.getByRole('button', { name: /^Cancel/ }).click()
    await seen(page.locator('.task-cancelled', { hasText: 'never to be seen' }))
    assert.equal((await stage.server.get('/history')).total, total)
  })

  it('finds its running and waiting tasks again after a refresh', async () => {
    const page = await stage.open({ settings: { ...LONG, prompt: '' } })
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
    await stage.server.cancelAll()
  })

  it('makes one task of a double click', async () => {
    const page = await stage.open({ settings: QUICK })
    let posts = 0
    const isPost = (request) => request.method() === 'POST' && request.url().endsWith('/api/generate')
    page.on('request', (request) => (posts += isPost(request) ? 1 : 0))
    await promptOf(page).fill('a double click')
    await submitOf(page).dblclick()
    await seen(page.locator('.task-completed', { hasText: 'a double click' }))
    assert.equal(posts, 1)
  })

  it('makes a task of every prompt that one stands for, and several pictures of a task', async () => {
    const { total } = await stage.server.get('/history')
    const page = await stage.open({ settings: { ...QUICK, num_images: 2 } })
    await promptOf(page).fill('a {red|green} pear')
    await seen(page.getByText('Stands for 2 prompts'))
    await page.getByRole('button', { name: /^Generate 4/ }).click()
    await seen(endOf(page, 'completed', 'a red pear'))
    await seen(endOf(page, 'completed', 'a green pear'))
    assert.equal((await stage.server.get('/history')).total, total + 4)
  })

  it('does the main job by keyboard alone', async () => {
    const page = await stage.open({ settings: QUICK })
    await seen(page.locator('.studio'))
    await page.keyboard.press('/')
    await page.keyboard.type('by keyboard alone')
    await page.keyboard.press('Control+Enter')
    await seen(endOf(page, 'completed', 'by keyboard alone'))
    const card = page.getByRole('button', { name: 'View: by keyboard alone' })
    await seen(card)
    await card.focus()
    await page.keyboard.press('Enter')
    await seen(page.getByRole('dialog'))
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    assert.equal(await card.evaluate((button) => button === document.activeElement), true, 'the focus comes back')
    await page.keyboard.press('?')
    await seen(page.getByRole('dialog', { name: 'Help' }))
  })

  it('shows any prompt as text, and refuses one that is too long', async () => {
    const page = await stage.open({ settings: QUICK })
    const prompts = ['<img src=x onerror=alert(1)> <b>bold</b>', '🦊🎨 👩‍👩‍👧', 'ثعلب أحمر على خلفية زرقاء']
    for (const prompt of prompts) {
      await generate(page, prompt)
      await seen(endOf(page, 'completed', prompt))
    }
    assert.equal(await page.locator('.task-prompt b, .prompt-text b').count(), 0)
    await generate(page, 'x'.repeat(10_000))
    await page.waitForFunction(() => document.querySelector('textarea.prompt[aria-invalid="true"]') !== null)
  })
}
