import assert from 'node:assert/strict'
import { it } from 'node:test'

import { OMNI, withMade } from '../made.mjs'
import { colourPng, transparentPng } from '../png.mjs'
import { assertNoSidewaysScroll, barriersOf, endOf, generate, gone, pixelsOf, promptOf, QUICK, seen, submitOf } from '../stage.mjs'

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }
const SETTINGS = { ...QUICK, model: OMNI, seed: '7' }
const SIDE = 256

/** Drawing from references, as a model of the Omni variant does; and what is transparent for a mask. */
export function references(stage) {
  const button = (page, name) => page.getByRole('button', { name, exact: true })
  const fieldOf = (page) => page.getByRole('group', { name: 'From reference pictures' })
  const picturesOf = (page) => fieldOf(page).locator('.reference img')
  const idsOf = (page) => picturesOf(page).evaluateAll((all) => all.map(({ src }) => src.slice(-64)))
  const isCount = (page, count) => page.waitForFunction((wanted) => document.querySelectorAll('.reference').length === wanted, count)
  const latestOf = async (server) => (await server.get('/history?page_size=1')).images[0]
  const png = (name, red) => ({ name, mimeType: 'image/png', buffer: colourPng(96, 80, (x, y) => [red, 2 * x, 3 * y]) })

  async function draw(server, page, prompt) {
    await generate(page, prompt)
    await seen(endOf(page, 'completed', prompt))
    return latestOf(server)
  }

  async function chooseModel(page, id) {
    await button(page, 'Advanced').click()
    await page.getByRole('combobox', { name: 'Model' }).selectOption(id)
  }

  /** Drops or pastes a picture on a part of the page, as a hand would. */
  const give = (page, selector, kind, bytes) =>
    page.locator(selector).evaluate(
      (element, [type, base64]) => {
        const data = new DataTransfer()
        data.items.add(new File([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))], 'given.png', { type: 'image/png' }))
        const options = { bubbles: true, cancelable: true }
        if (type === 'paste') element.dispatchEvent(new ClipboardEvent('paste', { ...options, clipboardData: data }))
        else element.dispatchEvent(new DragEvent(type, { ...options, dataTransfer: data }))
      },
      [kind, bytes.toString('base64')],
    )

  it('draws from references in their order, which the record keeps and the form takes back', async () => {
    await withMade('omni', async (server) => {
      const page = await stage.open({ url: server.url, settings: SETTINGS })
      await seen(fieldOf(page))
      assert.equal(await page.locator('.source-chooser').count(), 0)
      await page.getByTestId('reference-file').setInputFiles([png('fox.png', 200), png('sky.png', 20)])
      await isCount(page, 2)
      await button(page, 'Move later: reference 1').press('Enter')
      await button(page, 'Move earlier: reference 2').press('Enter')
      const both = await idsOf(page)
      const first = await draw(server, page, 'the fox of the first picture below the sky of the second')
      assert.deepEqual(first.references, both)
      assert.equal(first.init_image, undefined)
      await button(page, 'Move later: reference 1').press('Enter')
      assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Move later: reference 2')
      const second = await draw(server, page, 'the same the other way round')
      assert.deepEqual(second.references, both.toReversed())
      assert.notEqual(second.pixel_hash, first.pixel_hash)
      await page.reload()
      await isCount(page, 2)
      assert.deepEqual(await idsOf(page), both.toReversed())

      // From the gallery: by a card's button and key, two chosen ones, by dropping a card on the field, by the viewer's.
      await button(page, `Use as a reference: ${first.prompt}`).click()
      await isCount(page, 3)
      assert.equal((await idsOf(page))[2], first.pixel_hash)
      const card = page.locator(`[data-picture="${second.id}"]`)
      await card.press('e')
      await isCount(page, 4)
      for (const { id } of [first, second]) await page.locator(`[data-picture="${id}"]`).press(' ')
      await button(page, 'Use as references').click()
      await isCount(page, 6)
      for (const count of [5, 4, 3]) {
        await button(page, 'Remove: reference 4').click()
        await isCount(page, count)
      }
      await card.dragTo(fieldOf(page))
      await isCount(page, 4)
      await page.goto(`${server.url}/?picture=${first.id}`)
      const viewer = page.locator('.lightbox')
      await seen(viewer.getByRole('region', { name: 'With these references' }))
      assert.equal(await viewer.locator('.relative-numbered').count(), 2)
      await button(viewer, 'Use as a reference').click()
      await gone(viewer)
      await isCount(page, 5)
      await page.keyboard.press('Control+z')
      await isCount(page, 4)
      await page.goto(`${server.url}/?picture=${first.id}`)
      await button(viewer, 'Use these settings').click()
      await isCount(page, 2)
      assert.deepEqual(await idsOf(page), both)

      // Other models do not draw from them: hidden, not sent, and there again.
      await chooseModel(page, 'zimage-nano')
      await seen(page.locator('.source-chooser'))
      assert.equal(await fieldOf(page).count(), 0)
      assert.equal((await draw(server, page, 'a fox alone')).references, undefined)
      await page.getByRole('combobox', { name: 'Model' }).selectOption(OMNI)
      await isCount(page, 2)

      // Dropped on the page, and pasted into the field; what is too small is refused with its size.
      const given = colourPng(128, 64, (x, y) => [x, y, 250])
      await give(page, 'body', 'dragenter', given)
      await seen(page.locator('.drop-zone [data-takes=reference]'))
      assert.equal(await page.locator('.drop-zone [data-takes=picture]').count(), 0)
      await give(page, '.drop-zone [data-takes=reference]', 'drop', given)
      await isCount(page, 3)
      await give(page, '.references', 'paste', colourPng(70, 70, (x) => [x, 9, 9]))
      await isCount(page, 4)
      await give(page, '.references', 'paste', colourPng(40, 70, () => [9, 9, 9]))
      await seen(page.getByText(/at least 64 pixels a side.*40 × 70/))
      assert.equal((await idsOf(page)).length, 4)
    })
  })

  it('keeps references at 360 px, by touch, without barriers, in light and dark', async () => {
    await withMade('omni', async (server) => {
      for (const colorScheme of ['light', 'dark']) {
        const page = await stage.open({ url: server.url, settings: SETTINGS, colorScheme, ...PHONE })
        await page.getByTestId('reference-file').setInputFiles([png('fox.png', 200), png('sky.png', 20), png('sea.png', 90)])
        await isCount(page, 3)
        await button(page, 'Move later: reference 1').tap()
        await button(page, 'Remove: reference 3').tap()
        await isCount(page, 2)
        await assertNoSidewaysScroll(page)
        assert.deepEqual(await barriersOf(page), [])
        await promptOf(page).fill('a fox')
        await submitOf(page).tap()
        await page.waitForFunction(() => document.querySelectorAll('.task-completed').length > 0)
        assert.equal((await latestOf(server)).references.length, 2)
      }
    })
  })

  it('repaints what is transparent in a picture, and leaves every other byte', async () => {
    const { server } = stage
    const page = await stage.open({ settings: { ...QUICK, seed: '7' } })
    const isClear = (x) => x >= 96 && x < 160
    const buffer = transparentPng(SIDE, SIDE, (x, y) => (isClear(x) ? [0, 0, 0, 0] : [x, y, 90, 255]))
    await page.getByTestId('source-file').setInputFiles({ name: 'cut-out.png', mimeType: 'image/png', buffer })
    const source = page.locator('.source')
    await seen(button(source, 'Mask from its transparency'))
    assert.deepEqual(await barriersOf(page), [])
    await button(source, 'Mask from its transparency').press('Enter')
    await seen(source.getByText('What is masked is drawn anew.'))
    assert.equal(await page.getByRole('slider', { name: 'Strength' }).getAttribute('aria-valuetext'), '100 %')
    await page.keyboard.press('Control+z')
    await seen(source.getByText('All of it is drawn anew.'))
    await button(source, 'Mask and canvas').click()
    await button(page.locator('.canvas-panel'), 'Mask from its transparency').click()
    await page.getByRole('slider', { name: 'Soft edge' }).press('Home')
    await seen(page.getByText('25% of the picture will be drawn anew'))
    await button(page, 'Done').click()
    await gone(page.locator('.canvas-editor'))
    await seen(source.getByText('What is masked is drawn anew.'))
    const image = await draw(server, page, 'a waterfall')
    const [mask, now] = await Promise.all([`/api/inputs/${image.mask}`, `/api/download/${image.id}`].map((url) => pixelsOf(page, url)))
    for (let y = 0; y < SIDE; y += 15) {
      for (let x = 0; x < SIDE; x += 5) {
        const at = 4 * (y * SIDE + x)
        assert.equal(mask.data[at], isClear(x) ? 255 : 0, `the mask at ${x}, ${y}`)
        if (!isClear(x)) assert.deepEqual(now.data.slice(at, at + 3), [x, y, 90], `the picture at ${x}, ${y}`)
      }
    }
  })
}
