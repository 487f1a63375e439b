import assert from 'node:assert/strict'
import { it } from 'node:test'

import { withMade } from '../made.mjs'
import { colourPng } from '../png.mjs'
import { assertNoSidewaysScroll, barriersOf, generate, gone, QUICK, seen } from '../stage.mjs'

const SIDE = 256

/** ControlNets: what they see of a masked picture, and that a record of it draws the same again. */
export function controls(stage) {
  const button = (page, name) => page.getByRole('button', { name, exact: true })
  const itemsOf = (page) => page.locator('.control-item')

  it('shows a ControlNet what is around the mask, and draws the same again out of the record', async () => {
    await withMade('control', async (server) => {
      const page = await stage.open({ url: server.url, settings: { ...QUICK, seed: '7' }, viewport: { width: 360, height: 900 } })
      const draw = async (prompt) => {
        const accepted = page.waitForResponse((answer) => answer.url().endsWith('/api/generate') && answer.request().method() === 'POST')
        await generate(page, prompt)
        assert.equal((await accepted).status(), 202)
        await server.idle()
        return (await server.get('/history?page_size=1')).images[0]
      }
      const buffer = colourPng(SIDE, SIDE, (x, y) => [x, y, 90])
      await page.getByTestId('source-file').setInputFiles({ name: 'photo.png', mimeType: 'image/png', buffer })
      await seen(button(page, 'Mask and canvas'))
      assert.equal(await button(page, 'Add what is around the mask').count(), 0)
      await button(page, 'Mask and canvas').click()
      await seen(page.locator('.canvas-paper'))
      await page.waitForTimeout(400)
      const box = await page.locator('.canvas-paper').boundingBox()
      await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2)
      await button(page, 'Done').click()
      await gone(page.locator('.canvas-editor'))
      await button(page, 'Add what is around the mask').press('Enter')
      await seen(itemsOf(page).getByText('What is new goes on from it.'))
      assert.equal(await button(page, 'Add what is around the mask').count(), 0)

      await page.getByTestId('control-file').setInputFiles({ name: 'edges.png', mimeType: 'image/png', buffer })
      const sees = itemsOf(page).nth(1).getByRole('checkbox', { name: 'Sees the mask, and what is around it' })
      await sees.uncheck()
      await assertNoSidewaysScroll(page)
      assert.deepEqual(await barriersOf(page), [])
      const first = await draw('an apple')
      assert.deepEqual(first.control.map(({ kind, image, inpaint }) => [kind, image === first.init_image, inpaint]), [
        ['inpaint', true, true],
        ['canny', true, undefined],
      ])
      await sees.check()
      const other = await draw('an apple')
      assert.deepEqual(other.control.map(({ inpaint }) => inpaint), [true, true])

      await page.goto(`${server.url}/?picture=${first.id}`)
      await button(page.locator('.lightbox'), 'Use these settings').click()
      await seen(itemsOf(page).nth(1))
      assert.equal(await sees.isChecked(), false)
      const again = await draw('an apple')
      assert.notEqual(again.id, first.id)
      assert.equal(again.pixel_hash, first.pixel_hash)
      assert.notEqual(other.pixel_hash, first.pixel_hash)
      assert.deepEqual(again.control, first.control)

      await button(page, 'All of it').click()
      await seen(itemsOf(page).getByText(/this waits for one, and is not sent/))
      assert.deepEqual((await draw('an apple without a mask')).control.map(({ kind }) => kind), ['canny'])
    })
  })
}
