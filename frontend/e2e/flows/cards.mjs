import assert from 'node:assert/strict'
import { it } from 'node:test'

import { gone, promptOf, seen } from '../stage.mjs'

/** Keys on the cards of the gallery, and cards that are dragged. */
export function cards(stage) {
  const COUNT = 9
  const chosen = (page, count) => seen(page.getByText(`${count} chosen`))
  const focusedPicture = (page) => page.evaluate(() => document.activeElement?.dataset.picture)

  /** A page with its first card focused, and the gallery's pictures in their order. */
  async function focusFirst(path = '/') {
    await stage.havePictures(COUNT)
    const { images } = await stage.server.get('/history')
    const page = await stage.open({ path, viewport: { width: 1440, height: 1600 } })
    await seen(page.locator('.card-picture img'))
    await page.locator('.card-picture').first().focus()
    return { page, images }
  }

  it('leads from card to card by arrows, with one stop of Tab', async () => {
    for (const path of ['/', '/?view=scroll']) {
      const { page, images } = await focusFirst(path)
      assert.equal(await page.locator('.card-picture[tabindex="0"]').count(), 1)
      const tops = await page.locator('.card-picture').evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().top)))
      const columns = tops.filter((top) => top === tops[0]).length
      for (const [key, index] of [
        ['ArrowRight', 1],
        ['ArrowDown', 1 + columns],
        ['ArrowUp', 1],
        ['ArrowLeft', 0],
        ['ArrowLeft', 0],
        ['ArrowRight', 1],
      ]) {
        await page.keyboard.press(key)
        assert.equal(await focusedPicture(page), images[index].id, `${key} on ${path}`)
      }
      await page.keyboard.press('Enter')
      await seen(page.getByRole('dialog'))
      await page.keyboard.press('Escape')
      await gone(page.getByRole('dialog'))
      assert.equal(await focusedPicture(page), images[1].id, 'the focus comes back')
    }
  })

  it('turns the page by the arrows of its first and last card', async () => {
    await stage.havePictures(25)
    const { images } = await stage.server.get('/history?page_size=25')
    const page = await stage.open()
    await seen(page.locator('.card-picture img'))
    const isFocused = (index) => page.waitForFunction((id) => document.activeElement?.dataset.picture === id, images[index].id)
    await page.locator('.card-picture').first().focus()
    await page.keyboard.press('ArrowLeft')
    await isFocused(0)
    await page.keyboard.press('End')
    await isFocused(19)
    await page.keyboard.press('ArrowRight')
    await isFocused(20)
    await page.keyboard.press('ArrowLeft')
    await isFocused(19)
  })

  it('does to the card what its key says', async () => {
    const { page, images } = await focusFirst()
    const [first, second] = images
    const card = page.locator('.card-item').first()
    const loved = String(!first.favourite)
    await page.keyboard.press('f')
    await seen(card.locator(`.card-heart[aria-pressed=${loved}]`))
    await page.keyboard.press('u')
    await page.waitForFunction((prompt) => document.querySelector('textarea.prompt').value === prompt, first.prompt)
    await promptOf(page).fill('kept')
    await page.locator('.card-picture').first().focus()
    await page.keyboard.press('s')
    await page.getByLabel('Seed', { exact: true }).and(page.locator(`input`)).first().waitFor()
    assert.equal(await promptOf(page).inputValue(), 'kept')
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('d')])
    assert.equal(download.suggestedFilename(), first.filename)
    await page.keyboard.press('Delete')
    await seen(page.getByText('1 picture moved to the trash.'))
    await gone(page.locator(`[data-picture="${first.id}"]`))
    assert.equal(await focusedPicture(page), second.id)
  })

  it('chooses by keys, means all that are chosen, and leaves the choice by Escape', async () => {
    const { page, images } = await focusFirst()
    await page.keyboard.press(' ')
    await chosen(page, 1)
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Shift+ ')
    await chosen(page, 3)
    await page.keyboard.press('Control+a')
    await chosen(page, images.length)
    await page.keyboard.press('Escape')
    await gone(page.locator('.bulk-bar'))
    assert.equal(await page.getByRole('dialog').count(), 0)
    await page.keyboard.press(' ')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press(' ')
    await page.keyboard.press('x')
    await seen(page.getByText('2 pictures moved to the trash.'))
    await gone(page.locator('.bulk-bar'))
  })

  it('chooses by a fingertip in the corner of a card', async () => {
    await stage.havePictures(2)
    const page = await stage.open({ viewport: { width: 360, height: 800 }, hasTouch: true, isMobile: true })
    const card = page.locator('.card-item').first()
    await seen(card.locator('[data-picture]'))
    const { width, height } = await card.locator('.card-choice-area').boundingBox()
    assert.ok(width >= 44 && height >= 44, `${width} × ${height}`)
    await card.tap({ position: { x: 40, y: 40 } })
    await chosen(page, 1)
    assert.equal(await page.getByRole('dialog').count(), 0)
  })

  it('opens a picture in another tab by the middle button of the mouse', async () => {
    const { page, images } = await focusFirst()
    const [other] = await Promise.all([
      page.context().waitForEvent('page'),
      page.locator('[data-picture]').first().click({ button: 'middle' }),
    ])
    await seen(other.getByRole('dialog').getByRole('img', { name: images[0].prompt }))
    assert.equal(await page.getByRole('dialog').count(), 0)
  })

  it('drags a card out as its file, and onto the form as its settings', async () => {
    const { page, images } = await focusFirst()
    const [first] = images
    const carried = await page.locator('.card-picture').first().evaluate((card) => {
      const dataTransfer = new DataTransfer()
      card.dispatchEvent(new DragEvent('dragstart', { bubbles: true, dataTransfer }))
      return ['DownloadURL', 'text/uri-list'].map((type) => dataTransfer.getData(type))
    })
    const address = `${stage.server.url}/api/download/${first.id}`
    assert.deepEqual(carried, [`image/png:${first.filename}:${address}`, address])
    await page.locator('.card-picture').first().dragTo(promptOf(page))
    await page.waitForFunction((prompt) => document.querySelector('textarea.prompt').value === prompt, first.prompt)
    assert.equal(await page.locator('[data-drop]').count(), 0)
    assert.equal(await page.locator('.drop-zone').count(), 0)
  })
}
