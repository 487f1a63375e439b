import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { it } from 'node:test'

import { a1111Png } from '../png.mjs'
import { endOf, generate, promptOf, QUICK, seen, submitOf } from '../stage.mjs'

/** The form's refusals, and settings that come out of pictures. */
export function form(stage) {
  it('says at the field what is wrong, and goes there', async () => {
    const page = await stage.open()
    await submitOf(page).click()
    await seen(page.getByText('Write what the picture should show.'))
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'TEXTAREA')

    await promptOf(page).fill('an odd size')
    await page.getByRole('radio', { name: 'Custom' }).check()
    const width = page.getByRole('spinbutton', { name: 'Width' })
    await width.fill('')
    await submitOf(page).click()
    await seen(page.getByText('divisible by 16', { exact: false }))
    assert.equal(await width.getAttribute('aria-invalid'), 'true')
    assert.equal(await width.evaluate((input) => input === document.activeElement), true)
  })

  it("shows the server's own refusal at its field", async () => {
    const page = await stage.open()
    // What the form would catch itself reaches the server this way.
    await page.route('**/api/generate', async (route) => {
      if (route.request().method() !== 'POST') return route.continue()
      return route.continue({ postData: JSON.stringify({ ...route.request().postDataJSON(), seed: -5 }) })
    })
    await generate(page, 'a bad seed')
    const seed = page.getByRole('textbox', { name: 'Seed' })
    await page.waitForFunction(() => document.querySelector('[aria-invalid="true"]') !== null)
    assert.equal(await seed.getAttribute('aria-invalid'), 'true')
    assert.equal(await seed.evaluate((input) => input === document.activeElement), true)
  })

  it('reads the settings of our own, of foreign and of broken pictures', async () => {
    const page = await stage.open({ settings: { ...QUICK, seed: '4711' } })
    await generate(page, 'to be read again')
    await seen(endOf(page, 'completed', 'to be read again'))
    const { id } = await stage.server.get('/images/latest')
    const own = await (await page.request.get(`${stage.server.url}/api/download/${id}`)).body()
    const foreign = a1111Png('a foreign fox\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 99, Size: 512x768')
    const read = (name, buffer) =>
      page.getByTestId('picture-file').setInputFiles({ name, mimeType: 'image/png', buffer })

    await promptOf(page).fill('')
    await read('own.png', own)
    await seen(page.getByText('Settings taken from a picture of Z-Image.'))
    assert.equal(await promptOf(page).inputValue(), 'to be read again')
    assert.equal(await page.getByRole('textbox', { name: 'Seed' }).inputValue(), '4711')

    await read('foreign.png', foreign)
    await seen(page.getByText('Settings taken from a picture of A1111.'))
    assert.equal(await promptOf(page).inputValue(), 'a foreign fox')
    assert.equal(await page.getByRole('textbox', { name: 'Seed' }).inputValue(), '99')

    await read('broken.png', Buffer.from('no picture at all'))
    await seen(page.getByText('This file carries no settings.'))
    assert.equal(await promptOf(page).inputValue(), 'a foreign fox', 'the form keeps what it has')
  })
}
