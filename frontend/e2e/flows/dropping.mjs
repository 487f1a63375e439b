import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { it } from 'node:test'

import { colourPng } from '../png.mjs'
import { barriersOf, gone, promptOf, QUICK, seen } from '../stage.mjs'

/** What is dropped on the form, what keeps its place in it, and what each tab keeps of it. */
export function dropping(stage) {
  const chooserOf = (page) => page.locator('.source-chooser')
  const middleOf = async (locator) => {
    const { x, y, width, height } = await locator.boundingBox()
    return [x + width / 2, y + height / 2]
  }

  /** A page on which all stands where it stays, with the field in the middle of the window. */
  async function openAtField(options) {
    const page = await stage.open({ settings: QUICK, ...options })
    await seen(page.getByRole('button', { name: 'Get a larger model' }))
    await seen(page.getByText('zimage-nano has learned these sizes.'))
    await chooserOf(page).evaluate((field) => field.scrollIntoView({ block: 'center' }))
    await chooserOf(page).click({ trial: true })
    return page
  }

  /** Files that the browser itself drags over the page, as a file manager would: `over` moves them, `drop` lets them go. */
  async function dragFiles(page, files) {
    const session = await page.context().newCDPSession(page)
    const send = (type, [x, y]) => session.send('Input.dispatchDragEvent', { type, x, y, data: { items: [], files, dragOperationsMask: 1 } })
    await send('dragEnter', [5, 5])
    await send('dragOver', [5, 5])
    const over = async (place) => {
      await send('dragOver', place) // enters
      await send('dragOver', place)
    }
    return { over, drop: (place) => send('drop', place) }
  }

  async function withFile(name, content, work) {
    const folder = await mkdtemp(path.join(tmpdir(), 'zimage-drop-'))
    try {
      const file = path.join(folder, name)
      await writeFile(file, content)
      await work(file)
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  for (const viewport of [{ width: 1440, height: 900 }, { width: 1024, height: 560 }]) {
    it(`draws from a file that is dropped on the field for it, which stays in sight: ${viewport.width} px`, async () => {
      const page = await openAtField({ viewport })
      await withFile('red.png', colourPng(64, 64, () => [200, 0, 0]), async (file) => {
        const drag = await dragFiles(page, [file])
        await seen(page.getByText('Use its settings'))
        const place = await middleOf(chooserOf(page))
        const isFree = ([x, y]) => document.elementFromPoint(x, y).closest('.source-chooser') !== null
        assert.ok(await page.evaluate(isFree, place), 'nothing covers the field')
        await drag.over(place)
        await seen(page.locator('.source-chooser[data-drop]'))
        await drag.drop(place)
        await seen(page.locator('.source'))
      })
      await gone(page.locator('.drop-zone'))
      await seen(page.getByText('The form draws from this picture.'))
      assert.equal(await page.getByText('This file carries no settings.').count(), 0)

      const [first] = await page.locator('.source img').evaluateAll((all) => all.map(({ src }) => src))
      await withFile('blue.png', colourPng(64, 64, () => [0, 0, 200]), async (file) => {
        await page.locator('.source-row').evaluate((row) => row.scrollIntoView({ block: 'center' }))
        const drag = await dragFiles(page, [file])
        const place = await middleOf(page.locator('.source-row'))
        await drag.over(place)
        await drag.drop(place)
        await page.waitForFunction((src) => document.querySelector('.source img').src !== src, first)
      })
    })
  }

  it('takes a text that is dropped for no picture', async () => {
    const page = await openAtField({ viewport: { width: 1440, height: 900 } })
    await withFile('notes.txt', Buffer.from('words'), async (file) => {
      const place = await middleOf(chooserOf(page))
      const drag = await dragFiles(page, [file])
      await seen(page.getByText('Pictures can be dropped here, and LoRAs.'))
      assert.equal(await page.getByText('Draw from it').count(), 0)
      await drag.over(place)
      await drag.drop(place)
      await seen(page.getByText('notes.txt is no picture.'))
    })
    assert.equal(await page.getByText('Draw from it').count(), 0)
    assert.ok(await chooserOf(page).isVisible())
  })

  it('draws from a card that is dragged onto the field, and takes its settings elsewhere on the form', async () => {
    await stage.havePictures(1)
    const { images } = await stage.server.get('/history')
    const page = await stage.open({ settings: { ...QUICK, prompt: 'kept' }, viewport: { width: 1440, height: 1600 } })
    await seen(page.locator('.card-picture img'))
    await page.locator('.card-picture').first().dragTo(chooserOf(page))
    await seen(page.locator('.source'))
    assert.equal(await promptOf(page).inputValue(), 'kept')
    await page.locator('.card-picture').first().dragTo(page.locator('#form-title'))
    await page.waitForFunction((prompt) => document.querySelector('textarea.prompt').value === prompt, images[0].prompt)
    assert.equal(await page.locator('[data-drop]').count(), 0)
  })

  for (const [width, locale] of [[1440, 'en-US'], [1440, 'zh-CN'], [768, 'en-US'], [360, 'en-US'], [360, 'zh-CN']]) {
    it(`moves nothing beneath the prompt while it is written: ${width} px, ${locale}`, async () => {
      const page = await stage.open({ settings: QUICK, locale, viewport: { width, height: 900 } })
      await seen(chooserOf(page))
      const places = async () => {
        const [{ x, y }, chips] = await Promise.all([chooserOf(page).boundingBox(), page.locator('.prompt-chips').boundingBox()])
        return [x, y + (await page.evaluate(() => window.scrollY)), chips.x, chips.y + (await page.evaluate(() => window.scrollY))]
      }
      const empty = await places()
      for (const text of ['x', 'a fox', 'a {red|blue|green} fox', '{1|2|3|4|5}{1|2|3|4|5}{1|2|3|4|5}']) {
        await promptOf(page).fill(text)
        assert.deepEqual(await places(), empty, text)
        await seen(page.locator('.token-meter'))
        await page.waitForTimeout(600) // The count of the text before stands there until then.
        assert.deepEqual(await places(), empty, text)
      }
      assert.deepEqual(await barriersOf(page, '.generate-form'), [])
    })
  }

  it('keeps in each tab what is written there', async () => {
    const page = await stage.open({ settings: QUICK })
    await promptOf(page).fill('of the first')
    const beside = await stage.openBeside(page)
    await seen(promptOf(beside))
    assert.equal(await promptOf(beside).inputValue(), 'of the first', 'a new tab begins with it')
    await promptOf(beside).fill('of the second')
    await page.reload()
    await seen(promptOf(page))
    assert.equal(await promptOf(page).inputValue(), 'of the first')
    await beside.reload()
    await seen(promptOf(beside))
    assert.equal(await promptOf(beside).inputValue(), 'of the second')
  })
}
