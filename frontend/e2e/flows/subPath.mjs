import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'

import { Site } from '../proxy.mjs'
import { Server } from '../server.mjs'
import { endOf, generate, gone, promptOf, QUICK, seen } from '../stage.mjs'

const TOKEN = 'open-sesame-open-sesame'

/** Two studios under sub-paths of one site: one that knows nothing of it, one that was told, behind a token. */
export function subPath(stage) {
  let told
  let site
  before(async () => {
    told = await Server.create({ ZIMAGE_API_TOKEN: TOKEN, ZIMAGE_ROOT_PATH: '/told' })
    site = await Site.create({ '/zimage': stage.server.webPort, '/told': told.webPort })
  })
  after(async () => {
    site?.dispose()
    await told?.dispose()
  })

  it('does all its work under a sub-path, and asks for nothing beside it', async () => {
    const page = await stage.open({ url: `${site.url}/zimage/?sort=oldest` })
    await page.evaluate((settings) => localStorage.setItem('/zimage/zimage.settings', JSON.stringify(settings)), QUICK)
    await page.reload()
    await generate(page, 'under a sub-path')
    await seen(endOf(page, 'completed', 'under a sub-path'))
    await seen(page.getByRole('button', { name: 'View large: under a sub-path' }))
    await page.waitForFunction(() => document.querySelector('.stage-image')?.naturalWidth > 0)
    await page.getByRole('button', { name: 'Favourites only' }).click()
    assert.equal(new URL(page.url()).pathname, '/zimage/')
    await page.goBack()
    const card = page.locator('.card-picture img').first()
    await seen(card)
    assert.ok(await card.evaluate((image) => image.decode().then(() => image.naturalWidth)) > 0)
    for (const selector of ['link[rel=icon]', 'link[rel=manifest]', '.latest a[download]']) {
      const href = await page.locator(selector).first().evaluate((link) => link.href)
      assert.ok(href.startsWith(`${site.url}/zimage/`), href)
      assert.equal((await page.request.get(href)).status(), 200, href)
    }
    const manifest = await (await page.request.get(`${site.url}/zimage/manifest.json`)).json()
    const icons = manifest.icons.map(({ src }) => new URL(src, `${site.url}/zimage/manifest.json`).pathname)
    assert.ok([manifest.start_url, manifest.scope].every((address) => address === '.'))
    assert.ok(icons.every((address) => address.startsWith('/zimage/')))
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('.latest a[download]').click()])
    assert.match(download.suggestedFilename(), /\.png$/)
    assert.deepEqual(site.strays, [])
  })

  it('opens at its folder from any address below it', async () => {
    const page = await stage.open({ url: `${site.url}/zimage/a/b/?page=1` })
    await seen(page.getByRole('heading', { name: 'New picture' }))
    assert.equal(new URL(page.url()).pathname, '/zimage/')
  })

  it('works without its server there too, and leaves the caches of others alone', async () => {
    const page = await stage.open({ url: `${site.url}/zimage/`, serviceWorkers: 'allow' })
    await page.evaluate(() => caches.open('of another page'))
    const scope = await page.evaluate(async () => (await navigator.serviceWorker.ready).scope)
    assert.equal(scope, `${site.url}/zimage/`)
    const other = await page.context().newPage()
    await other.goto(`${site.url}/told/`)
    await other.evaluate(() => navigator.serviceWorker.ready)
    const names = await page.evaluate(() => caches.keys())
    assert.deepEqual(names.map((name) => name.replace(/ [0-9a-f]+$/, '')).sort(), ['of another page', 'zimage /told/', 'zimage /zimage/'])
    await page.context().setOffline(true)
    await page.reload()
    await seen(page.getByRole('heading', { name: 'New picture' }))
  })

  it('shares neither drafts nor sessions with the studio beside it', async () => {
    const page = await stage.open({ url: `${site.url}/zimage/` })
    await promptOf(page).fill('a draft of the first studio')
    const other = await page.context().newPage()
    await other.goto(`${site.url}/told/`)
    const field = other.getByLabel('Access token')
    await seen(field)
    await field.fill(TOKEN)
    await field.press('Enter')
    await seen(promptOf(other))
    assert.equal(await promptOf(other).inputValue(), '')
    await other.reload()
    await seen(promptOf(other))
    const [cookie, ...more] = await page.context().cookies()
    assert.deepEqual([cookie.path, cookie.httpOnly, more], ['/told', true, []])
    await other.goto(`${site.url}/told/docs`)
    await seen(other.getByRole('heading', { name: /^Z-Image API/ }))
    await other.goto(`${site.url}/told/`)
    await other.getByRole('button', { name: 'Log out (default)' }).click()
    await seen(field)
    await gone(promptOf(other))
    assert.deepEqual(await page.context().cookies(), [])
  })
}
