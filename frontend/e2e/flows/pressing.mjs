import assert from 'node:assert/strict'
import { it } from 'node:test'

import { endOf, generate, gone, promptOf, QUICK, seen, submitOf } from '../stage.mjs'

/** What becomes of presses of the button and of its key: each is a picture, whatever the server does meanwhile. */
export function pressing(stage) {
  const allDrawn = async (page) => {
    await page.waitForTimeout(1000)
    while ((await stage.server.get('/generate')).tasks.length > 0) await page.waitForTimeout(200)
    return (await stage.server.get('/history')).total
  }

  it('draws a picture for each press of the key', async () => {
    const { total } = await stage.server.get('/history')
    const page = await stage.open({ settings: QUICK })
    await promptOf(page).fill('six presses')
    for (let press = 0; press < 6; press += 1) {
      await page.keyboard.press('Control+Enter')
      await page.waitForTimeout(150)
    }
    assert.equal(await allDrawn(page), total + 6)
    const { images } = await stage.server.get('/history?q=six')
    assert.equal(new Set(images.map(({ seed }) => seed)).size, 6)
  })

  it('takes a double click for one press', async () => {
    const { total } = await stage.server.get('/history')
    const page = await stage.open({ settings: QUICK })
    await promptOf(page).fill('clicked twice')
    await submitOf(page).dblclick()
    await seen(endOf(page, 'completed', 'clicked twice'))
    assert.equal(await allDrawn(page), total + 1)
  })

  it('says since when the server hangs, and sends what was pressed once', async () => {
    const { total } = await stage.server.get('/history')
    const page = await stage.open({ settings: QUICK })
    await seen(page.locator('.form-facts'))
    await page.waitForTimeout(1000)
    const banner = page.getByRole('alert').filter({ hasText: 'it was heard last at' })
    stage.server.freeze()
    try {
      await generate(page, 'pressed in the silence')
      await seen(banner)
      await seen(banner.filter({ hasText: 'What you have pressed will be sent once.' }))
    } finally {
      stage.server.thaw()
    }
    await gone(banner)
    await seen(endOf(page, 'completed', 'pressed in the silence'))
    assert.equal((await stage.server.get('/history')).total, total + 1)
  })
}
