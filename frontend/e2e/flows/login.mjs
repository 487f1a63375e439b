import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'

import { Server } from '../server.mjs'
import { assertNoSidewaysScroll, barriersOf, gone, seen } from '../stage.mjs'

const TOKEN = 'open-sesame-open-sesame'

/** A server that lets in none without a token. */
export function login(stage) {
  let server
  before(async () => {
    server = await Server.create({ ZIMAGE_API_TOKEN: TOKEN })
  })
  after(() => server?.dispose())

  it('asks for the token, lets in whoever has it, and out again', async () => {
    const page = await stage.open({ url: `${server.url}/?sort=oldest` })
    const field = page.getByLabel('Access token')
    await seen(field)
    assert.equal(await field.evaluate((input) => input === document.activeElement), true)
    await field.fill('wrong')
    await field.press('Enter')
    await seen(page.getByText('The server does not know this token.'))
    assert.equal(await field.getAttribute('aria-invalid'), 'true')

    await field.fill(TOKEN)
    await field.press('Enter')
    await seen(page.getByRole('heading', { name: 'New picture' }))
    assert.match(page.url(), /sort=oldest/)
    await page.reload()
    await seen(page.getByText('No pictures yet'))
    assert.equal(await page.evaluate(() => document.cookie), '', 'the session is out of reach of scripts')
    assert.doesNotMatch(await page.evaluate(() => JSON.stringify(localStorage)), /sesame/)

    await page.getByRole('button', { name: 'Log out (default)' }).click()
    await seen(field)
    await gone(page.getByText('No pictures yet'))
    await page.reload()
    await seen(field)
  })

  for (const [colorScheme, locale] of [
    ['light', 'en-US'],
    ['dark', 'zh-CN'],
    ['light', 'zh-CN'],
    ['dark', 'en-US'],
  ]) {
    it(`has no barrier at the door, in ${colorScheme} and ${locale}`, async () => {
      const page = await stage.open({ url: server.url, colorScheme, locale, viewport: { width: 360, height: 780 } })
      await seen(page.locator('.login'))
      assert.deepEqual(await barriersOf(page), [])
      await assertNoSidewaysScroll(page)
    })
  }
}
