import assert from 'node:assert/strict'
import { it } from 'node:test'

import { endOf, generate, gone, LONG, promptOf, QUICK, seen, taskOf } from '../stage.mjs'

const OFFLINE = 'The server does not answer'

/** Lost answers, dying servers, many tabs, and pictures that arrive without a jolt. */
export function weather(stage) {
  it('says when the server dies in the middle, and goes on when it is back', async () => {
    const { total } = await stage.server.get('/history')
    const page = await stage.open({ settings: { ...LONG, num_images: 8 } })
    await generate(page, 'struck by lightning')
    await promptOf(page).fill('waiting behind it')
    await page.keyboard.press('Control+Enter') // a second click as soon as this would be a double click
    await seen(page.locator('.task-processing', { hasText: 'struck by lightning' }))
    await seen(taskOf(page, 'waiting behind it'))
    await stage.server.kill()
    await seen(page.getByRole('alert').filter({ hasText: 'The server does not answer' }))
    await stage.server.start()
    await seen(page.locator('.task-interrupted', { hasText: 'struck by lightning' }))
    await gone(page.getByRole('alert').filter({ hasText: 'The server does not answer' }))
    await seen(page.locator('.task-completed', { hasText: 'waiting behind it' }))
    const { tasks } = await stage.server.get('/generate?finished=true')
    const drawn = (prompt) => tasks.find(({ request }) => request.prompt === prompt).images.length
    assert.ok(drawn('struck by lightning') < 8)
    assert.equal(drawn('waiting behind it'), 8)
    assert.equal((await stage.server.get('/history')).total, total + drawn('struck by lightning') + 8)
  })

  it('makes one task of a request whose answer was lost', async () => {
    const { total } = await stage.server.get('/history')
    const page = await stage.open({ settings: QUICK })
    const keys = []
    await page.route('**/api/generate', async (route) => {
      if (route.request().method() !== 'POST') return route.continue()
      keys.push(route.request().headers()['idempotency-key'])
      if (keys.length > 1) return route.continue()
      await route.fetch() // It reaches the server; the answer is lost.
      return route.abort('connectionreset')
    })
    await generate(page, 'lost on the way back')
    await seen(endOf(page, 'completed', 'lost on the way back'))
    assert.deepEqual([keys.length, keys[0]], [2, keys[1]])
    assert.equal((await stage.server.get('/history')).total, total + 1)
  })

  it('works through a slow network that drops every fourth question', async () => {
    const page = await stage.open({ settings: QUICK })
    let asked = 0
    await page.route('**/api/**', async (route) => {
      asked += 1
      if (route.request().method() === 'GET' && asked % 4 === 0) return route.abort('timedout')
      await new Promise((resolve) => setTimeout(resolve, 200))
      return route.continue()
    })
    await generate(page, 'through thick and thin')
    await seen(endOf(page, 'completed', 'through thick and thin'))
  })

  it('tells eight tabs the same', async () => {
    const { total } = await stage.server.get('/history')
    const page = await stage.open({ settings: QUICK })
    const tabs = [page]
    while (tabs.length < 8) tabs.push(await stage.openBeside(page))
    await generate(page, 'seen by everyone')
    await Promise.all(tabs.map((tab) => seen(tab.getByRole('button', { name: 'View large: seen by everyone' }))))
    assert.equal((await stage.server.get('/history')).total, total + 1)
  })

  it('moves nothing while a picture arrives', async () => {
    await stage.havePictures(2)
    const page = await stage.open({ settings: { ...QUICK, num_inference_steps: 20 } })
    await seen(page.locator('.stage-image'))
    await promptOf(page).fill('without a jolt') // What gives way under the typing is expected to.
    await page.waitForTimeout(1500)
    await page.evaluate(() => {
      window.shifts = []
      new PerformanceObserver((list) => {
        for (const { value, hadRecentInput, sources } of list.getEntries()) {
          if (!hadRecentInput) window.shifts.push([value, sources.map(({ node }) => node?.className ?? node?.parentElement?.className)])
        }
      }).observe({ type: 'layout-shift' })
    })
    await page.keyboard.press('Control+Enter')
    await seen(page.getByRole('button', { name: 'View large: without a jolt' }))
    await page.waitForTimeout(500)
    assert.deepEqual(await page.evaluate(() => window.shifts), [])
  })

  it('opens without a server, says so, and goes on when there is one', async () => {
    const page = await stage.open({ serviceWorkers: 'allow' })
    await page.evaluate(() => navigator.serviceWorker.ready)
    await stage.server.kill()
    await page.reload()
    await seen(page.getByRole('heading', { name: 'New picture' }))
    const banner = page.getByRole('alert').filter({ hasText: OFFLINE })
    await seen(banner)
    await stage.server.start()
    await gone(banner)
    await seen(page.locator('.gallery .muted'))
  })
}
