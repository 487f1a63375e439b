import assert from 'node:assert/strict'
import { it } from 'node:test'

import { MANY, pretendMany } from '../manyPictures.mjs'
import { a1111Png } from '../png.mjs'
import { gone, promptOf, seen } from '../stage.mjs'

/** What the tab may hold while it scrolls through them. */
const HEAP_BUDGET_BYTES = 300e6

/** Finding, choosing, changing and deleting pictures. */
export function gallery(stage) {
  it('pages, enlarges and reuses pictures', async () => {
    await stage.havePictures(23)
    const { total } = await stage.server.get('/history')
    const page = await stage.open()
    await seen(page.getByText('Page 1 of 2'))
    await page.locator('.card-picture img').nth(19).waitFor({ state: 'attached' })
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
    await seen(dialog.getByText(`Picture 1 of ${total}`))
    await page.keyboard.press('ArrowRight')
    await seen(dialog.getByText(`Picture 2 of ${total}`))
    await page.keyboard.press('ArrowLeft')
    await dialog.getByRole('button', { name: 'Use these settings' }).click()
    await gone(dialog)
    assert.match(await promptOf(page).inputValue(), /^picture \d+$/)
    await page.locator('.card-picture').first().click()
    await seen(dialog)
    await page.keyboard.press('Escape')
    await gone(dialog)

  })

  for (const nonsense of [
    'from=2026-99-99&to=2026-02-30',
    'from=0001-01-01&to=9999-12-31',
    'page=-1&page=2&sort=up&view=%zz&trash=maybe',
    'page=9999999',
    'q=%E0%A4%A&tag=%00%ff',
    `q=${encodeURIComponent('🦊'.repeat(400))}&tag=${'x'.repeat(300)}&model=${'y'.repeat(900)}`,
    'model=no-such-model&view=scroll',
    '%&=&==&__proto__=1#%zz',
  ]) {
    it(`is not confused by an address of ?${nonsense.slice(0, 40)}`, async () => {
      await stage.havePictures(1)
      const page = await stage.open({ url: `${stage.server.url}/?${nonsense}` })
      await seen(page.locator('.gallery .muted'))
      await seen(promptOf(page))
      assert.equal(await page.getByText('This part of the page failed.').count(), 0)
      assert.equal(await page.getByText('This could not be loaded.').count(), 0)
      await page.getByRole('button', { name: 'More filters' }).click()
      await page.getByLabel('From').fill('2026-01-01')
      assert.match(page.url(), /from=2026-01-01/)
    })
  }

  it('deletes with a way back, and for good only from the trash', async () => {
    await stage.havePictures(5)
    const { total } = await stage.server.get('/history')
    const page = await stage.open()
    await seen(page.locator('.card-picture img'))
    const boxes = page.locator('.card-choice')
    await boxes.nth(0).check()
    await boxes.nth(2).click({ modifiers: ['Shift'] })
    await seen(page.getByText('3 chosen'))
    await page.getByRole('toolbar').getByRole('button', { name: 'Delete' }).click()
    await seen(page.getByText('3 pictures moved to the trash.'))
    assert.equal((await stage.server.get('/history')).total, total - 3)
    await page.getByRole('button', { name: 'Undo' }).click()
    await seen(page.getByText(`${total} pictures`, { exact: true }))

    const doomed = await page.locator('.card-picture img').first().getAttribute('alt')
    await page.locator('.card-item').first().hover()
    await page.getByRole('button', { name: `Delete: ${doomed}` }).first().click()
    await seen(page.getByText('1 picture moved to the trash.'))
    await page.getByRole('button', { name: 'Trash' }).click()
    await seen(page.getByRole('heading', { name: 'Trash' }))
    assert.match(page.url(), /trash=1/)
    await page.locator('.card-item').first().hover()
    await page.getByRole('button', { name: `Delete for good: ${doomed}` }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click()
    await seen(page.getByText('The trash is empty'))
    assert.equal((await stage.server.get('/history')).total, total - 1)
  })

  for (const view of ['pages', 'scroll']) {
    it(`moves no picture under the mouse while others come: ${view}`, async () => {
      await stage.havePictures(5)
      const page = await stage.open({ path: `/?view=${view}` })
      const first = page.locator('[data-picture]').first()
      const known = await first.getAttribute('data-picture')
      await first.hover()
      await stage.server.submit({ prompt: `came meanwhile: ${view}`, num_images: 2 })
      await stage.server.idle()
      await seen(page.getByRole('button', { name: '2 new' }))
      assert.equal(await first.getAttribute('data-picture'), known)
      await page.getByRole('button', { name: '2 new' }).click()
      await page.waitForFunction((text) => document.querySelector('.card-picture img')?.alt === text, `came meanwhile: ${view}`)
      await gone(page.getByRole('button', { name: '2 new' }))

      await page.locator('.card-choice').first().check()
      await promptOf(page).hover()
      await promptOf(page).focus()
      await stage.server.submit({ prompt: `came while one was chosen: ${view}` })
      await seen(page.getByRole('button', { name: '1 new' }))
      await page.keyboard.press('Escape')
      await gone(page.getByRole('button', { name: '1 new' }))
    })
  }

  it('loads copies as sharp as the screen, and no larger', async () => {
    await stage.server.import(a1111Png('of many pixels\nSteps: 20, Seed: 7, Size: 1024x1024', 1024))
    for (const [deviceScaleFactor, width, expected] of [
      [1, 1280, 256],
      [2, 1280, 512],
      [2, 360, 256],
    ]) {
      const page = await stage.open({ deviceScaleFactor, viewport: { width, height: 800 } })
      const copy = page.locator('.card-picture img[alt="of many pixels"]')
      await copy.scrollIntoViewIfNeeded()
      await copy.evaluate((image) => image.decode())
      const { pathname, search } = new URL(await copy.evaluate((image) => image.currentSrc))
      assert.deepEqual([search, /\/thumbnail$/.test(pathname)], [`?w=${expected}`, true], `${width} px at ${deviceScaleFactor}`)
    }
  })

  it('finds favourites and words, and packs what is chosen', async () => {
    await stage.havePictures(5)
    const page = await stage.open()
    const [first] = (await stage.server.get('/history')).images
    await page.locator('.card-item').first().hover()
    await page.locator('.card-heart').first().click()
    await page.getByRole('button', { name: 'Favourites only' }).click()
    await seen(page.getByText('1 picture', { exact: true }))
    await page.reload()
    await seen(page.getByText('1 picture', { exact: true }))
    await page.getByRole('searchbox').fill('nothing has these words')
    await page.getByRole('button', { name: 'Clear the filters' }).click()
    await page.getByRole('searchbox').fill(first.prompt)
    await page.waitForFunction(
      (prompt) => [...document.querySelectorAll('.gallery .card-picture img')].every(({ alt }) => alt.includes(prompt)),
      first.prompt,
    )
    await page.getByRole('searchbox').fill('')
    await page.locator('.card-choice').nth(0).check()
    await page.locator('.card-choice').nth(1).check()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('toolbar').getByRole('button', { name: 'Download zip' }).click(),
    ])
    assert.equal(download.suggestedFilename(), 'z-image.zip')
    await page.getByRole('toolbar').getByRole('button', { name: 'Compare' }).click()
    const slider = page.getByRole('slider', { name: 'Share of the second picture' })
    await seen(slider)
    await slider.press('End')
    assert.equal(await slider.inputValue(), '100')
  })

  it('scrolls through ten thousand pictures with few of them at hand', async () => {
    const page = await stage.open({ path: '/favicon.svg' })
    await pretendMany(page, { thumbnail_url: '/favicon.svg' })
    await page.goto(`${stage.server.url}/?view=scroll`)
    const card = (number) => page.getByRole('button', { name: `View: picture ${number}`, exact: true })
    await seen(card(0))
    for (const share of [0.25, 0.5, 0.75, 1]) {
      await page.evaluate((part) => window.scrollTo(0, document.documentElement.scrollHeight * part), share)
      await page.waitForTimeout(150)
    }
    await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight))
    await seen(card(MANY - 1))
    const [cards, heap] = await page.evaluate(() => [
      document.querySelectorAll('.card-item').length,
      performance.memory.usedJSHeapSize,
    ])
    assert.ok(cards < 100, `${cards} cards exist`)
    assert.ok(heap < HEAP_BUDGET_BYTES, `${heap} bytes are held`)
  })
}
