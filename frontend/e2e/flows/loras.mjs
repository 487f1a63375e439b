import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { it } from 'node:test'

import { loraFile, thumbnail } from '../lora.mjs'
import { colourPng } from '../png.mjs'
import { assertNoSidewaysScroll, barriersOf, DIALOG, generate, gone, pixelsOf, promptOf, QUICK, seen, submitOf } from '../stage.mjs'

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }
const SETTINGS = { ...QUICK, seed: '7' }
const WORDS = { 'modelspec.title': 'Ink wash', 'modelspec.trigger_phrase': 'inkwash', 'modelspec.tags': 'painting' }
const PICTURE = thumbnail(colourPng(64, 64, (x, y) => [4 * x, 4 * y, 90]))

/** LoRAs: chosen by looking, called in the prompt, sent by dropping, and what they do to a picture. */
export function loras(stage) {
  const button = (page, name) => page.getByRole('button', { name, exact: true })
  const dialogOf = (page) => page.getByRole('dialog', { name: 'LoRAs' })
  const tileOf = (page, name) => page.locator(`[data-lora="${name}"]`)
  const cardOf = (page, title) => page.locator('.lora-card', { hasText: title })
  const latest = async () => (await stage.server.get('/history?page_size=1')).images[0]
  const listed = async () => (await stage.server.get('/loras?model=zimage-nano')).loras

  async function send(name, file) {
    const body = new FormData()
    body.append('file', new Blob([file]), `${name}.safetensors`)
    const answer = await fetch(`${stage.server.url}/api/loras`, { method: 'POST', body })
    assert.ok(answer.ok, await answer.clone().text())
    return (await answer.json()).name
  }

  /** A LoRA that comes with the model, where there is one; else one that is made for it. */
  async function usable() {
    const found = (await listed()).find(({ problem, is_own: isOwn }) => !problem && !isOwn)
    return found?.name ?? send('made', loraFile({ seed: 3 }))
  }

  /** Presses Generate and waits for the picture of it. */
  async function draw(page, prompt) {
    const before = (await latest())?.id
    const accepted = page.waitForResponse((answer) => answer.url().endsWith('/api/generate') && answer.request().method() === 'POST')
    await generate(page, prompt)
    assert.equal((await accepted).status(), 202)
    await stage.server.idle()
    const image = await latest()
    assert.notEqual(image.id, before)
    return image
  }

  async function choose(page, name) {
    await button(page, 'Add a LoRA').click()
    await tileOf(page, name).click()
    await button(dialogOf(page), 'Done').click()
    await gone(dialogOf(page))
  }

  it('changes a picture as strongly as is asked for, and nothing at a strength of 0', async () => {
    const name = await usable()
    const page = await stage.open({ settings: SETTINGS })
    const plain = await draw(page, 'a fox')
    await choose(page, name)
    const strength = page.locator('.lora-card').getByRole('spinbutton')
    const hashes = {}
    for (const value of ['0', '0.5', '1']) {
      await strength.fill(value)
      const image = await draw(page, 'a fox')
      assert.deepEqual(image.loras?.map((lora) => [lora.name, lora.strength]), [[name, Number(value)]])
      hashes[value] = image.pixel_hash
    }
    assert.equal(hashes['0'], plain.pixel_hash)
    assert.equal(new Set(Object.values(hashes)).size, 3, JSON.stringify(hashes))

    await page.locator('.lora-card').getByRole('checkbox').click()
    assert.equal((await draw(page, 'a fox')).pixel_hash, plain.pixel_hash, 'one that is off is not sent')
    await button(page, `Remove: ${await page.locator('.lora-name strong').textContent()}`).click()
    const called = await draw(page, `a fox, <lora:${name}:1>`)
    assert.equal(called.pixel_hash, hashes['1'], 'the prompt calls it as the form does')
    assert.equal(called.prompt, 'a fox')
  })

  it('turns the first picture of the demo model into a print in blue and white', async () => {
    const page = await stage.open({ settings: { ...SETTINGS, num_inference_steps: 9 } })
    const blueness = async ({ id }) => {
      const { data } = await pixelsOf(page, `/api/download/${id}`)
      return data.reduce((sum, value, at) => sum + [0, -value, value, 0][at % 4], 0) / (data.length / 4)
    }
    const plain = await draw(page, 'a fox')
    await choose(page, 'cyanotype')
    const print = await draw(page, 'a fox')
    assert.ok((await blueness(plain)) < 45, 'more blue than green on average, without it')
    assert.ok((await blueness(print)) > 65, 'and with it')
  })

  it('is looked for and chosen by keyboard alone, at an address of its own', async () => {
    const name = await send('ink-wash', loraFile({ seed: 4, metadata: { ...WORDS, ...PICTURE } }))
    const page = await stage.open({ settings: SETTINGS })
    await button(page, 'Add a LoRA').press('Enter')
    await seen(tileOf(page, name))
    assert.match(page.url(), /\?dialog=loras$/)
    await page.reload()
    await seen(tileOf(page, name))
    await page.waitForFunction(() => document.activeElement.type === 'search')
    await page.keyboard.type('inkwash painting')
    await page.waitForFunction(() => document.querySelectorAll('[data-lora]').length === 1)
    await page.keyboard.press('ArrowDown')
    assert.equal(await page.evaluate(() => document.activeElement.dataset.lora), name)
    await page.keyboard.press('Enter')
    await seen(dialogOf(page).getByText('1 chosen'))
    await page.keyboard.press('Escape')
    await gone(dialogOf(page))
    assert.doesNotMatch(page.url(), /dialog/)
    await button(page, 'Add a LoRA').click()
    await seen(dialogOf(page))
    await page.goBack()
    await gone(dialogOf(page))

    const card = cardOf(page, 'Ink wash')
    const preview = card.locator('img')
    assert.ok(await preview.evaluate((image) => image.complete && image.naturalWidth === 64))
    await promptOf(page).fill('a fox')
    await button(card, 'inkwash').press('Enter')
    assert.equal(await promptOf(page).inputValue(), 'a fox, inkwash')
    assert.equal(await button(card, 'inkwash').getAttribute('aria-pressed'), 'true')
    await page.reload()
    await seen(cardOf(page, 'Ink wash'))
  })

  it('is offered while <lora: is written, and keys choose it', async () => {
    await send('ink-wash', loraFile({ seed: 4, metadata: { ...WORDS, ...PICTURE } }))
    const page = await stage.open({ settings: SETTINGS })
    await promptOf(page).focus()
    await page.keyboard.type('a fox <lora:ink')
    await seen(page.getByRole('option', { name: 'ink-wash' }))
    assert.deepEqual(await barriersOf(page), [])
    await page.keyboard.press('Tab')
    assert.equal(await promptOf(page).inputValue(), 'a fox <lora:ink-wash:1>')
    await page.keyboard.type(' at night <lora:')
    await seen(page.getByRole('listbox'))
    await page.keyboard.press('Escape')
    await gone(page.getByRole('listbox'))
    await page.keyboard.type('ink-wush>')
    await submitOf(page).click()
    await seen(page.getByText(/no LoRA 'ink-wush'.*ink-wash/))
    assert.equal(await promptOf(page).getAttribute('aria-invalid'), 'true')
  })

  /** Drops a file on a part of the page, as a hand would. */
  const drop = (page, selector, name, bytes) =>
    page.locator(selector).evaluate(
      (element, [fileName, base64]) => {
        const data = new DataTransfer()
        data.items.add(new File([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))], fileName))
        const options = { bubbles: true, cancelable: true, dataTransfer: data }
        element.dispatchEvent(new DragEvent('dragenter', options))
        element.dispatchEvent(new DragEvent('drop', options))
      },
      [name, Buffer.from(bytes).toString('base64')],
    )

  it('takes a file that is dropped on the form for what it is, and says what is wrong with another one', async () => {
    const page = await stage.open({ settings: SETTINGS })
    await drop(page, '.generate-form', 'dropped.safetensors', loraFile({ seed: 5 }))
    await seen(dialogOf(page).getByText('dropped is here.'))
    await seen(dialogOf(page).getByRole('listitem').filter({ has: tileOf(page, 'dropped') }).getByText('New'))
    assert.equal(await page.locator('.source').count(), 0)
    const chosen = page.getByTestId('lora-file')
    await chosen.setInputFiles({ name: 'broken.safetensors', mimeType: '', buffer: loraFile({ seed: 6 }).subarray(0, 900) })
    await seen(dialogOf(page).getByRole('alert').filter({ hasText: 'broken.safetensors' }))
    assert.equal(await tileOf(page, 'broken').count(), 0)

    await tileOf(page, 'dropped').focus()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await seen(page.getByText('Delete “dropped” from the disk?'))
    await page.keyboard.press('Escape')
    assert.equal(await dialogOf(page).count(), 1)
    await button(page, 'Delete: dropped').press('Enter')
    await button(dialogOf(page).locator('.lora-confirm'), 'Delete').click()
    await gone(tileOf(page, 'dropped'))
    assert.ok(!(await listed()).some(({ name }) => name === 'dropped'))
  })

  it('comes back with the settings of a picture, and says when it is gone', async () => {
    const name = await send('passing', loraFile({ seed: 8 }))
    const page = await stage.open({ settings: { ...SETTINGS, loras: [{ name, strength: 0.8, start: 0, end: 1 }] } })
    await seen(cardOf(page, name))
    const image = await draw(page, 'a passing fox')
    await page.goto(`${stage.server.url}/?picture=${image.id}`)
    await seen(page.locator('.lightbox').getByText('passing × 0.8'))
    await fetch(`${stage.server.url}/api/loras/${name}`, { method: 'DELETE' })
    await button(page.locator('.lightbox'), 'Use these settings').click()
    await page.keyboard.press('Escape')
    await seen(cardOf(page, name).getByText(/This file is not here/))
    await submitOf(page).click()
    await seen(page.locator('.loras > .field-error'))
    await button(page, `Remove: ${name}`).click()
    assert.equal((await draw(page, 'a fox that stays')).loras, undefined)
  })

  for (const colorScheme of ['light', 'dark']) {
    it(`is chosen at 360 px, by touch, without barriers: ${colorScheme}`, async () => {
      await send('ink-wash', loraFile({ seed: 4, metadata: { ...WORDS, ...PICTURE } }))
      await send('half', loraFile({ seed: 9, of: ['layers.40.attention.to_q'] }))
      const page = await stage.open({ settings: SETTINGS, colorScheme, ...PHONE })
      await button(page, 'Add a LoRA').tap()
      await seen(tileOf(page, 'half'))
      await tileOf(page, 'half').tap()
      await tileOf(page, 'ink-wash').tap()
      await seen(dialogOf(page).getByText('2 chosen'))
      await button(page, 'Delete: half').tap()
      await seen(page.locator('.lora-confirm'))
      assert.deepEqual(await barriersOf(page, DIALOG), [])
      await button(page, 'Keep it').tap()
      await button(dialogOf(page), 'Done').tap()
      await gone(dialogOf(page))
      await seen(cardOf(page, 'half').getByText(/28 of 29 layers fit/))
      await promptOf(page).fill('a fox, inkwash')
      await page.getByText('In all steps').first().tap()
      await assertNoSidewaysScroll(page)
      assert.deepEqual(await barriersOf(page), [])
      await submitOf(page).tap()
      await page.waitForFunction(() => document.querySelectorAll('.task-completed').length > 0)
      assert.deepEqual((await latest()).loras.map(({ name }) => name), ['half', 'ink-wash'])
    })
  }
}
