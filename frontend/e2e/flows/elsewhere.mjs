import assert from 'node:assert/strict'
import { it } from 'node:test'

import { Site } from '../proxy.mjs'
import { gone, promptOf, seen } from '../stage.mjs'

/** What happens in another window, and what only other machines meet. */
export function elsewhere(stage) {
  const remove = (id) => fetch(`${stage.server.url}/api/history/${id}`, { method: 'DELETE' })

  for (const opener of ['.card-picture >> nth=1', '.latest button.stage']) {
    it(`says when the picture that is looked at was deleted elsewhere: ${opener}`, async () => {
      await stage.havePictures(3)
      const { images } = await stage.server.get('/history')
      const page = await stage.open()
      await page.locator(opener).first().click()
      const dialog = page.getByRole('dialog')
      await seen(dialog)
      await remove(images[opener.startsWith('.latest') ? 0 : 1].id)
      await seen(page.getByText('This picture was deleted elsewhere'))
      await gone(dialog)
    })
  }

  it('says when chosen pictures are not there any more', async () => {
    await stage.havePictures(3)
    const { images } = await stage.server.get('/history')
    const page = await stage.open()
    await page.locator('.card-choice').nth(1).check()
    await remove(images[1].id)
    await fetch(`${stage.server.url}/api/history/${images[1].id}?permanent=true`, { method: 'DELETE' })
    await page.getByRole('toolbar').getByRole('button', { name: 'Favourite' }).click()
    await seen(page.getByText('1 of these pictures is not there any more'))
  })

  it('copies what it can over plain HTTP, and says why it cannot copy a picture', async () => {
    await stage.havePictures(1)
    const site = await Site.create({ '': stage.server.webPort }, 'studio.test')
    try {
      const page = await stage.open({ url: site.url })
      assert.equal(await page.evaluate(() => window.isSecureContext), false)
      const prompt = await page.locator('.latest .prompt-text').textContent()
      for (const dialog of [false, true]) {
        if (dialog) await page.locator('.latest .stage').click()
        const place = page.locator(dialog ? '[role=dialog]' : '.latest')
        await place.getByRole('button', { name: 'More' }).click()
        await page.getByRole('button', { name: 'Copy the prompt' }).click()
        await seen(page.getByText('Prompt copied.'))
        await place.getByRole('button', { name: 'More' }).click()
        await page.getByRole('button', { name: 'Copy the picture' }).click()
        await seen(page.getByText('Over plain HTTP browsers let no page copy pictures.', { exact: false }))
      }
      await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
      await gone(page.getByRole('dialog'))
      await promptOf(page).click()
      await page.keyboard.press('Control+v')
      assert.equal(await promptOf(page).inputValue(), prompt)
    } finally {
      site.dispose()
    }
  })
}
