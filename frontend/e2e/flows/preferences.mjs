import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { it } from 'node:test'

import { Site } from '../proxy.mjs'
import { assertNoSidewaysScroll, barriersOf, DIALOG, endOf, generate, gone, LONG, QUICK, seen, submitOf } from '../stage.mjs'

const isPressed = (locator) => locator.getAttribute('aria-pressed')
const jsonFile = (name, text) => ({ name, mimeType: 'application/json', buffer: Buffer.from(text) })

async function openSettings(page, name = 'Settings') {
  await page.getByRole('button', { name, exact: true }).click()
  const dialog = page.getByRole('dialog', { name })
  await seen(dialog)
  return dialog
}

/** Lets the page believe that its tab is hidden, or looked at again. */
function hide(page, hidden) {
  return page.evaluate((state) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => state })
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => (state ? 'hidden' : 'visible') })
    document.dispatchEvent(new Event('visibilitychange'))
  }, hidden)
}

/** What people choose about the page, and how it calls them. */
export function preferences(stage) {
  it('has all settings in one place, which agrees with the switches elsewhere', async () => {
    await stage.havePictures(1)
    const page = await stage.open()
    await seen(page.locator('.card-picture img'))
    const dialog = await openSettings(page)
    await dialog.getByRole('button', { name: 'Dark' }).click()
    await dialog.getByRole('button', { name: 'Simple' }).click()
    await dialog.getByRole('slider', { name: 'Size of the pictures in the gallery' }).press('End')
    await dialog.getByRole('button', { name: '中文' }).click()
    await seen(page.getByRole('dialog', { name: '设置' }))
    await page.keyboard.press('Escape')
    await gone(page.getByRole('dialog'))
    assert.equal(await isPressed(page.locator('.header-controls').getByRole('button', { name: '深色' })), 'true')
    assert.equal(await isPressed(page.locator('.generate-form').getByRole('button', { name: '简洁' })), 'true')
    assert.equal(await page.locator('.card-size').inputValue(), '400')
    await page.locator('.header-controls').getByRole('button', { name: '浅色' }).click()
    await page.reload()
    await openSettings(page, '设置')
    assert.equal(await isPressed(page.getByRole('dialog').getByRole('button', { name: '浅色' })), 'true')
  })

  it('carries settings to another browser as a file, and says when a file is none', async () => {
    const page = await stage.open()
    const dialog = await openSettings(page)
    await dialog.getByRole('button', { name: 'WebP' }).click()
    await dialog.getByLabel('Play a sound').check()
    await dialog.getByRole('button', { name: 'Dark' }).click()
    const [download] = await Promise.all([page.waitForEvent('download'), dialog.getByRole('button', { name: 'Export' }).click()])
    assert.equal(download.suggestedFilename(), 'z-image-settings.json')
    const text = await readFile(await download.path(), 'utf8')

    const other = await stage.open()
    const there = await openSettings(other)
    const input = there.locator('input[type=file]')
    await input.setInputFiles(jsonFile('shopping.json', '{"milk": 2}'))
    await seen(there.getByText('shopping.json is no file of settings of Z-Image. Nothing was changed.'))
    assert.equal(await isPressed(there.getByRole('button', { name: 'PNG' })), 'true')
    await input.setInputFiles(jsonFile('mine.json', text))
    await seen(there.getByText('Settings taken from mine.json.'))
    assert.equal(await isPressed(there.getByRole('button', { name: 'WebP' })), 'true')
    assert.equal(await there.getByLabel('Play a sound').isChecked(), true)
    await other.waitForFunction(() => document.documentElement.dataset.bsTheme === 'dark')
  })

  it('saves pictures in the wanted format, under the wanted name', async () => {
    await stage.havePictures(1)
    const page = await stage.open()
    const { seed, width } = await stage.server.get('/images/latest')
    const dialog = await openSettings(page)
    await seen(dialog.getByText('its prompt, seed and settings are in it', { exact: false }))
    await dialog.getByRole('button', { name: 'JPEG' }).click()
    await seen(dialog.getByText('are lost from the file', { exact: false }))
    await dialog.getByRole('textbox', { name: 'File name' }).fill('my/{seed}: {width}')
    await seen(dialog.getByText('For example: my-4711- 1024.jpg'))
    await page.keyboard.press('Escape')
    await gone(dialog)
    const button = page.locator('.latest').getByRole('button', { name: 'Download' })
    const [download] = await Promise.all([page.waitForEvent('download'), button.click()])
    assert.equal(download.suggestedFilename(), `my-${seed}- ${width}.jpg`)
    const bytes = await readFile(await download.path())
    assert.deepEqual([...bytes.subarray(0, 3)], [0xff, 0xd8, 0xff])

    await openSettings(page)
    await dialog.getByRole('button', { name: 'PNG' }).click()
    await page.keyboard.press('Escape')
    await gone(dialog)
    const [original] = await Promise.all([page.waitForEvent('download'), button.click()])
    assert.equal(original.suggestedFilename(), `my-${seed}- ${width}.png`)
  })

  it('says in the title and the icon of the tab how far it is, and that it is done until one looks', async () => {
    const page = await stage.open({ settings: { ...LONG, num_images: 4 } })
    const icon = () => page.locator('link[rel=icon]').getAttribute('href')
    const own = await icon()
    await generate(page, 'while I read mail')
    await page.waitForFunction(() => /^\d+ % · Z-Image$/.test(document.title), null, { timeout: 60_000 })
    assert.match(await icon(), /^data:image\/svg\+xml/)
    await hide(page, true)
    await page.waitForFunction(() => document.title === '✓ Z-Image', null, { timeout: 60_000 })
    assert.equal(await icon(), own)
    await hide(page, false)
    await page.waitForFunction(() => document.title === 'Z-Image')
  })

  it('calls by a notification and a sound when long work ends in a hidden tab, where that is wanted', async () => {
    const page = await stage.open({ settings: { ...LONG, num_images: 4 }, permissions: ['notifications'] })
    await page.evaluate(() => {
      window.called = { notices: [], tones: 0 }
      window.Notification = class {
        static permission = 'granted'
        static requestPermission = async () => 'granted'
        constructor(title, { body }) {
          window.called.notices.push([title, body])
        }
      }
      const start = OscillatorNode.prototype.start
      OscillatorNode.prototype.start = function (...when) {
        window.called.tones += 1
        return start.apply(this, when)
      }
    })
    const called = () => page.evaluate(() => window.called)
    const endHidden = async (prompt) => {
      await generate(page, prompt)
      await page.waitForFunction(() => document.title.includes('%'), null, { timeout: 60_000 })
      await page.evaluate(() => {
        const now = Date.now
        Date.now = () => now() + 60_000
      })
      await hide(page, true)
      await page.waitForFunction(() => document.title.startsWith('✓'), null, { timeout: 60_000 })
      await hide(page, false)
    }
    await endHidden('unasked')
    assert.deepEqual(await called(), { notices: [], tones: 0 })
    const dialog = await openSettings(page)
    await dialog.getByLabel('Show a notification').check()
    await dialog.getByLabel('Play a sound').check()
    await page.keyboard.press('Escape')
    await gone(dialog)
    await endHidden('asked for')
    assert.deepEqual(await called(), { notices: [['✓ Done · Z-Image', 'asked for']], tones: 2 })
  })

  it('says over plain HTTP why there are no notifications', async () => {
    const site = await Site.create({ '': stage.server.webPort }, 'studio.test')
    try {
      const page = await stage.open({ url: site.url })
      const dialog = await openSettings(page)
      await seen(dialog.getByText('Over plain HTTP browsers let no page show notifications.', { exact: false }))
      assert.equal(await dialog.getByLabel('Show a notification').isDisabled(), true)
    } finally {
      site.dispose()
    }
  })

  it('asks before deleting for good only where that is wanted', async () => {
    const page = await stage.open({ settings: QUICK })
    await generate(page, 'soon gone')
    await seen(endOf(page, 'completed', 'soon gone'))
    const { id } = await stage.server.get('/images/latest')
    await fetch(`${stage.server.url}/api/history/${id}`, { method: 'DELETE' })
    const dialog = await openSettings(page)
    await dialog.getByLabel('Ask before pictures are deleted for good').uncheck()
    await page.keyboard.press('Escape')
    await gone(dialog)
    await page.getByRole('button', { name: 'Trash' }).click()
    await page.locator('.gallery .card-item').first().hover()
    await page.getByRole('button', { name: 'Delete for good: soon gone' }).click()
    await seen(page.getByText('1 picture deleted for good.'))
  })

  for (const [width, colorScheme, locale, name] of [
    [1440, 'light', 'en-US', 'Settings'],
    [720, 'dark', 'zh-CN', '设置'],
    [360, 'dark', 'en-US', 'Settings'],
  ]) {
    it(`has settings without barriers at ${width} px, in ${colorScheme} and ${locale}`, async () => {
      const page = await stage.open({ viewport: { width, height: 800 }, colorScheme, locale, hasTouch: width < 700, isMobile: width < 700 })
      await seen(submitOf(page))
      await openSettings(page, name)
      assert.deepEqual(await barriersOf(page, DIALOG), [])
      await assertNoSidewaysScroll(page)
    })
  }
}
