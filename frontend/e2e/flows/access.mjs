import assert from 'node:assert/strict'
import { it } from 'node:test'

import { a1111Png } from '../png.mjs'
import { assertNoSidewaysScroll, barriersOf, DIALOG, seen, submitOf } from '../stage.mjs'

/** Every dialog that a button of the page opens, by the place of the button. */
const DIALOGS = ['.card-picture', '.header-controls button >> nth=0', '.header-controls button >> nth=1', '.prompt-chips button >> nth=1']

const GB = 1e9

/** As they would be in the middle of a download, with a model that is guided. */
function busyModel(model) {
  if (!model.installed) return { ...model, download: { state: 'running', done_bytes: 8 * GB, total_bytes: 33 * GB, message: '' } }
  return { ...model, guidance: true, guidance_scale: 4, negative_prompt: true }
}

/** For everyone: languages, themes, screen readers, narrow windows. */
export function access(stage) {
  it('says honestly when only the demo model is there', async () => {
    const installed = (await stage.server.get('/models')).models.filter((model) => model.installed)
    const page = await stage.open()
    await seen(page.locator('.latest'))
    const banner = page.getByText('Demo model.')
    if (installed.every((model) => model.demo)) await seen(banner)
    else assert.equal(await banner.count(), 0)
  })

  it('switches language and theme, and remembers both', async () => {
    const page = await stage.open({ colorScheme: 'dark' })
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

  for (const [colorScheme, locale] of [
    ['light', 'en-US'],
    ['dark', 'zh-CN'],
    ['light', 'zh-CN'],
    ['dark', 'en-US'],
  ]) {
    it(`has no barrier that axe finds, in ${colorScheme} and ${locale}`, async () => {
      await stage.havePictures(2)
      const page = await stage.open({ colorScheme, locale, path: '/favicon.svg' })
      await stage.pretendModels(page, busyModel)
      await page.goto(stage.server.url)
      await submitOf(page).click() // With its errors shown.
      await seen(page.locator('.card-picture img'))
      await page.locator('.card-choice').first().check()
      assert.deepEqual(await barriersOf(page), [])
      for (const opener of DIALOGS) {
        await page.locator(opener).first().click()
        await seen(page.getByRole('dialog'))
        assert.deepEqual(await barriersOf(page, DIALOG), [], opener)
        await page.keyboard.press('Escape')
        await page.getByRole('dialog').waitFor({ state: 'detached' })
      }
    })
  }

  it('tells a screen reader what everything is', async () => {
    const page = await stage.openWithEverySize()
    await seen(page.locator('.studio'))
    for (const [role, name] of [
      ['banner', undefined],
      ['main', undefined],
      ['form', 'New picture'],
      ['textbox', 'Prompt'],
      ['group', 'Shape'],
      ['slider', 'Steps'],
      ['checkbox', 'Use the GPU'],
      ['combobox', 'Model'],
      ['region', 'Latest picture'],
      ['region', 'Gallery'],
      ['region', 'System'],
      ['search', undefined],
      ['status', undefined],
    ]) {
      const one = page.getByRole(role, name && { name, exact: true })
      await one.first().waitFor({ state: 'attached' }) // What is out of sight has its name with the first frame.
      assert.equal(await one.count(), 1, `${role} ${name ?? ''}`)
    }
  })

  for (const [what, options, shows] of [
    ['a phone', { viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true }, false],
    ['a desk', {}, true],
  ]) {
    it(`shows shortcuts where there are keys: on ${what}`, async () => {
      await stage.havePictures(1)
      const page = await stage.open(options)
      await seen(submitOf(page))
      assert.equal((await page.locator('.form-actions kbd').count()) > 0, shows)
      await page.getByRole('button', { name: 'Help' }).click()
      await seen(page.getByRole('dialog'))
      assert.equal((await page.locator('kbd:visible').count()) > 0, shows)
    })
  }

  for (const width of [320, 360, 2400]) {
    it(`has a line for the longest seed at ${width} px`, async () => {
      await stage.server.import(a1111Png(`of a long seed\nSteps: 20, Seed: ${Number.MAX_SAFE_INTEGER}, Size: 64x64`, 64))
      const page = await stage.open({ viewport: { width, height: 800 } })
      const lines = (seed) => seed.evaluate((element) => {
        const range = document.createRange()
        range.selectNodeContents(element)
        return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size
      })
      await page.getByRole('button', { name: 'View: of a long seed' }).click()
      const inViewer = page.locator('.lightbox .details-seed dd')
      await seen(inViewer)
      assert.equal(await inViewer.textContent(), String(Number.MAX_SAFE_INTEGER))
      assert.equal(await lines(inViewer), 1)
      await page.keyboard.press('Escape')
      const inPanel = page.locator('.latest .details-seed dd')
      await inPanel.evaluate((seed, value) => (seed.textContent = value), String(Number.MAX_SAFE_INTEGER))
      assert.equal(await lines(inPanel), 1)
      await assertNoSidewaysScroll(page)
    })
  }

  for (const width of [320, 360, 768, 1440, 3840]) {
    it(`fits a window of ${width} px`, async () => {
      await stage.havePictures(1)
      const window = { viewport: { width, height: 800 }, hasTouch: width < 700, isMobile: width < 700 }
      const page = await stage.openWithEverySize(window)
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
}
