import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { it } from 'node:test'

import { a1111Png } from '../png.mjs'
import { Server } from '../server.mjs'
import { endOf, generate, gone, LONG, promptOf, QUICK, seen, submitOf } from '../stage.mjs'

/** The form's refusals, and settings that come out of pictures. */
export function form(stage) {
  it('says at the field what is wrong, and goes there', async () => {
    const page = await stage.openWithEverySize()
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

  it('takes the digits that an input method writes', async () => {
    const page = await stage.openWithEverySize({ settings: QUICK })
    const sent = []
    page.on('request', (request) => request.url().endsWith('/api/generate') && request.method() === 'POST' && sent.push(request.postDataJSON()))
    const write = async (field, text) => {
      await field.click()
      await field.press('Control+a')
      await page.keyboard.insertText(text)
    }
    await page.getByRole('radio', { name: 'Custom' }).check()
    await write(page.getByRole('spinbutton', { name: 'Width' }), '５１２×２５６')
    await write(page.getByRole('textbox', { name: 'Seed' }), '４７１１')
    await write(page.getByRole('spinbutton', { name: 'Pictures' }), '２')
    await generate(page, 'by an input method')
    await seen(endOf(page, 'completed', 'by an input method'))
    const [{ width, height, seed, num_images: count }] = sent
    assert.deepEqual([width, height, seed, count], [512, 256, 4711, 2])
  })

  it('marks what the model will not see, in the text and in words', async () => {
    const page = await stage.open({ settings: QUICK })
    await promptOf(page).fill(`a fox in the snow, ${'seen from very far away '.repeat(110)}and a last word`)
    await seen(page.getByText(/The model will not see the last \d+ characters, from “.+” on\./))
    const marked = await page.locator('.prompt-copy mark').textContent()
    assert.match(marked, /and a last word$/)
    const sameLines = await page.evaluate(() => {
      const [copy, field] = document.querySelectorAll('.marked-prompt > *')
      return copy.scrollHeight === field.scrollHeight && copy.clientWidth === field.clientWidth
    })
    assert.ok(sameLines, 'the copy breaks its lines as the field does')

    await promptOf(page).press('Control+End')
    await page.waitForFunction(() => {
      const [copy, field] = document.querySelectorAll('.marked-prompt > *')
      return field.scrollTop > 0 && copy.scrollTop === field.scrollTop
    })
    await promptOf(page).fill('a fox in the snow')
    await gone(page.locator('.prompt-copy'))
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

  it('offers guidance where a model uses it, sends it there, and shows a refusal at its field', async () => {
    const page = await stage.open({ path: '/favicon.svg' })
    // The server itself knows better, and refuses.
    await stage.pretendModels(page, (model) => ({ ...model, guidance: true, guidance_scale: 0.5, negative_prompt: true }))
    const sent = []
    const asks = (request) => request.method() === 'POST' && request.url().endsWith('/api/generate')
    page.on('request', (request) => asks(request) && sent.push(request.postDataJSON()))
    await page.goto(stage.server.url)
    const guidance = page.getByRole('slider', { name: 'Guidance' })
    await guidance.fill('6')
    await page.getByRole('textbox', { name: 'Negative prompt' }).fill('text')
    await page.reload()
    assert.equal(await guidance.inputValue(), '6', 'it is kept')
    await generate(page, 'a guided fox')
    await page.waitForFunction(() => document.querySelector('[aria-invalid="true"]') !== null)
    const request = sent.find((body) => body?.num_images)
    assert.deepEqual([request.guidance_scale, request.negative_prompt], [6, 'text'])
    assert.equal(await guidance.getAttribute('aria-invalid'), 'true')
    await page.unrouteAll({ behavior: 'ignoreErrors' })
    await page.reload()
    await seen(page.getByRole('slider', { name: 'Steps' }))
    assert.equal(await guidance.count(), 0, 'this model is not guided')
    await generate(page, 'an unguided fox')
    await seen(endOf(page, 'completed', 'an unguided fox'))
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

    const { total } = await stage.server.get('/history')
    await page.getByRole('button', { name: 'Add to the gallery' }).last().click()
    await seen(page.getByText('Added to the gallery.'))
    await seen(page.getByRole('button', { name: 'View: a foreign fox' }))
    assert.equal((await stage.server.get('/history')).total, total + 1)

    await read('broken.png', Buffer.from('no picture at all'))
    await seen(page.getByText('This file carries no settings.'))
    assert.equal(await promptOf(page).inputValue(), 'a foreign fox', 'the form keeps what it has')
  })

  it('says while it is written that the queue has no room for all, and keeps the others in the prompt', async () => {
    const server = await Server.create({ ZIMAGE_MAX_QUEUED_TASKS_PER_CLIENT: '4' })
    try {
      const page = await stage.open({ url: server.url, settings: { ...LONG, prompt: `{${[...'abcdefghijkl'].join('|')}} fox` } })
      await seen(page.getByText('Stands for 12 prompts'))
      await seen(page.getByText('There is room for 4 now; the rest stays here.'))
      await submitOf(page).click()
      await seen(page.getByText(/are in the prompt still\./))
      const sent = (await server.get('/generate?finished=true')).tasks.map(({ request }) => request.prompt)
      const [rest] = await promptOf(page).evaluateAll((all) => all.map(({ value }) => value.slice(1, -1).split('|')))
      assert.deepEqual([...sent, ...rest].sort(), [...'abcdefghijkl'].map((letter) => `${letter} fox`))
      assert.ok(sent.length >= 4)
    } finally {
      await server.dispose()
    }
  })

  it('takes back by Ctrl+Z what was typed, before and after a picture drove it out of the form, and makes it again', async () => {
    await stage.havePictures(1)
    const page = await stage.open({ settings: QUICK })
    const prompt = promptOf(page)
    await prompt.pressSequentially('never sent')
    await page.getByRole('button', { name: 'Use these settings' }).first().click()
    const adopted = await prompt.inputValue()
    assert.notEqual(adopted, 'never sent')
    await prompt.press('End')
    await page.keyboard.type('!')
    const seen = []
    for (let step = 0; step < 4; step += 1) {
      await page.keyboard.press('Control+z')
      seen.push(await prompt.inputValue())
    }
    assert.deepEqual(seen, [adopted, 'never sent', 'never ', ''])
    for (let step = 0; step < 3; step += 1) await page.keyboard.press('Control+Shift+z')
    assert.equal(await prompt.inputValue(), adopted)
  })
}
