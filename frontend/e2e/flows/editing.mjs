import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { it } from 'node:test'

import { a1111Png, colourPng } from '../png.mjs'
import { assertNoSidewaysScroll, barriersOf, DIALOG, endOf, generate, gone, LONG, pixelsOf, promptOf, QUICK, seen, submitOf } from '../stage.mjs'

/** What zimage-nano draws of a picture that is not square. */
const DRAWN = [384, 256]
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }

/** Drawing from a picture: chosen, masked, extended, and put back to the byte where nothing was to change. */
export function editing(stage) {
  const sourceOf = (page) => page.locator('.source')
  const button = (page, name) => page.getByRole('button', { name, exact: true })
  const latest = async () => (await stage.server.get('/history?page_size=1')).images[0]

  /** How far two pictures are from each other, in levels of a colour. */
  const distance = (one, other) =>
    one.data.reduce((sum, value, at) => sum + Math.abs(value - other.data[at]), 0) / one.data.length

  /** A page whose form draws from a picture of the gallery. */
  async function openWithSource(prompt, options = {}) {
    const page = await stage.open({ settings: { ...QUICK, seed: '7' }, ...options })
    await generate(page, prompt)
    await seen(endOf(page, 'completed', prompt))
    await seen(page.locator('.latest .prompt-text', { hasText: prompt }))
    await button(page.locator('.latest'), 'Edit').click()
    await seen(sourceOf(page))
    return page
  }

  async function openCanvas(page) {
    await button(page, 'Mask and canvas').click()
    await seen(page.locator('.canvas-paper'))
    await page.waitForTimeout(400) // It slides in.
    const box = await page.locator('.canvas-paper').boundingBox()
    return [box.x + box.width / 2, box.y + box.height / 2]
  }

  async function closeCanvas(page) {
    await button(page, 'Done').click()
    await gone(page.locator('.canvas-editor'))
  }

  async function draw(page, prompt) {
    const { id } = await latest()
    await generate(page, prompt)
    await seen(endOf(page, 'completed', prompt))
    const image = await latest()
    assert.notEqual(image.id, id)
    return image
  }

  it('repaints what is masked, and leaves every other byte', async () => {
    const page = await openWithSource('a fox')
    const before = await latest()
    const [x, y] = await openCanvas(page)
    await page.mouse.move(x - 40, y)
    await page.mouse.down()
    await page.mouse.move(x + 40, y, { steps: 4 })
    await page.mouse.up()
    await page.getByRole('slider', { name: 'Soft edge' }).press('Home')
    await closeCanvas(page)
    await seen(sourceOf(page).getByText('What is masked is drawn anew.'))
    const after = await draw(page, 'a green apple')
    assert.equal(after.init_image, before.pixel_hash)

    const [old, now, mask] = await Promise.all(
      [`/api/download/${before.id}`, `/api/download/${after.id}`, `/api/inputs/${after.mask}`].map((url) => pixelsOf(page, url)),
    )
    const changed = (at) => [0, 1, 2].some((channel) => old.data[4 * at + channel] !== now.data[4 * at + channel])
    const all = Array.from({ length: old.width * old.height }, (_, at) => at)
    const [inside, outside] = [all.filter((at) => mask.data[4 * at] > 0), all.filter((at) => mask.data[4 * at] === 0)]
    assert.ok(inside.length > 500 && outside.length > inside.length)
    assert.equal(outside.filter(changed).length, 0)
    assert.ok(inside.filter(changed).length > inside.length / 2)
  })

  async function paint(page) {
    const [x, y] = await openCanvas(page)
    await page.mouse.move(x - 40, y)
    await page.mouse.down()
    await page.mouse.move(x + 40, y, { steps: 4 })
    await page.mouse.up()
  }

  it('goes back out of the canvas with all that was painted, forward into it, and stays over a reload', async () => {
    const page = await openWithSource('a fox')
    await paint(page)
    assert.equal(new URL(page.url()).search, '?dialog=canvas')
    await page.goBack()
    await gone(page.locator('.canvas-editor'))
    await seen(sourceOf(page).getByText('What is masked is drawn anew.'))
    await page.goForward()
    await seen(page.getByText(/% of the picture will be drawn anew/))
    await page.reload()
    await seen(page.getByText(/% of the picture will be drawn anew/))
    await button(page, 'Done').click()
    await gone(page.locator('.canvas-editor'))
    assert.equal(new URL(page.url()).search, '')
    await button(page, 'Without a picture').click()
    await page.goForward()
    await page.waitForFunction(() => window.location.search === '')
    assert.equal(await page.getByRole('dialog').count(), 0)
  })

  it('stays in the canvas while what was painted cannot be handed over', async () => {
    const page = await openWithSource('a fox')
    await paint(page)
    await page.route('**/api/inputs', (route) => route.abort())
    await button(page, 'Done').click()
    await seen(page.getByRole('alert').getByText(/could not be handed over/))
    assert.deepEqual(await barriersOf(page, DIALOG), [])
    await page.unroute('**/api/inputs')
    await button(page, 'Done').click()
    await gone(page.locator('.canvas-editor'))
    await seen(sourceOf(page).getByText('What is masked is drawn anew.'))
  })

  it('waits for a picture that is on its way, says so, and then draws from that one', async () => {
    const page = await openWithSource('a fox')
    const { init_image: none } = await latest()
    assert.ok(!none)
    let go
    const isLetThrough = new Promise((resolve) => (go = resolve))
    await page.route('**/api/inputs', async (route) => {
      await isLetThrough
      await route.continue()
    })
    const buffer = colourPng(...DRAWN, (x, y) => [x % 256, y % 256, 90])
    await page.getByTestId('source-file').setInputFiles({ name: 'photo.png', mimeType: 'image/png', buffer })
    await seen(sourceOf(page).getByText('Loading photo.png …'))
    assert.equal(await sourceOf(page).getAttribute('aria-busy'), 'true')
    assert.equal(await button(page, 'Mask and canvas').count(), 0)
    await generate(page, 'a green apple')
    await seen(page.locator('.form-waiting', { hasText: 'Sends as soon as the picture is there.' }))
    assert.deepEqual(await barriersOf(page), [])
    assert.equal(await page.locator('.task', { hasText: 'a green apple' }).count(), 0)
    const asked = page.waitForRequest((request) => request.url().endsWith('/api/generate') && request.method() === 'POST')
    const kept = page.waitForResponse((answer) => answer.url().endsWith('/api/inputs'))
    go()
    const { input_id: id } = await (await kept).json()
    assert.deepEqual((await asked).postDataJSON().init_image, { input_id: id })
    await gone(page.locator('.form-waiting'))
    await seen(button(page, 'Mask and canvas'))
    await seen(endOf(page, 'completed', 'a green apple'))
  })

  for (const [width, height, locale, colorScheme] of [
    [1440, 900, 'en-US', 'light'],
    [360, 740, 'en-US', 'dark'],
  ]) {
    it(`draws from within the canvas, and goes on from the result: ${width} px`, async () => {
      const page = await openWithSource('a fox', { viewport: { width, height }, locale, colorScheme })
      const first = await latest()
      await paint(page)
      await page.getByRole('textbox', { name: 'Prompt' }).last().fill('a green apple')
      await page.keyboard.press('Control+Enter')
      const result = page.getByRole('region', { name: 'The result' })
      await seen(result)
      const second = await latest()
      assert.deepEqual([second.prompt, second.init_image], ['a green apple', first.pixel_hash])
      assert.ok(second.mask)
      await seen(result.getByRole('img', { name: 'a green apple' }))
      assert.deepEqual(await barriersOf(page, DIALOG), [])
      await assertNoSidewaysScroll(page)
      const { width: shown } = await result.locator('.before-after').boundingBox()
      assert.ok(shown > Math.min(300, width / 2), `${shown}`)
      await button(page, 'Use it as the picture').click()
      await gone(result)
      await seen(page.getByText('The result is the picture now.'))
      await page.getByRole('button', { name: /^Generate/ }).last().click()
      await seen(result)
      const third = await latest()
      assert.deepEqual([third.init_image, third.mask], [second.pixel_hash, second.mask])
      await page.keyboard.press('Escape')
      await gone(result)
      await page.keyboard.press('Escape')
      await gone(page.locator('.canvas-editor'))
      await seen(sourceOf(page).getByText('What is masked is drawn anew.'))
    })
  }

  it('keeps more of the picture the less strength it has', async () => {
    const page = await openWithSource('a cat')
    const before = await pixelsOf(page, `/api/download/${(await latest()).id}`)
    const slider = page.getByRole('slider', { name: 'Strength' })
    const far = []
    for (const [strength, prompt] of [[0.3, 'a car'], [0.8, 'a tree']]) {
      await slider.fill(String(strength))
      const image = await draw(page, prompt)
      assert.equal(image.strength, strength)
      far.push(distance(before, await pixelsOf(page, `/api/download/${image.id}`)))
    }
    assert.ok(far[1] > 1.5 * far[0], String(far))
  })

  it('extends a picture by the keyboard alone, and shows what came from what', async () => {
    const page = await openWithSource('a red apple')
    const before = await latest()
    await button(page, 'Mask and canvas').press('Enter')
    await seen(page.locator('.canvas-paper'))
    await page.keyboard.press('o')
    const right = page.getByRole('spinbutton', { name: 'Right' })
    await right.fill('64')
    await right.press('Tab')
    await button(page, 'Done').press('Enter')
    await gone(page.locator('.canvas-editor'))
    await seen(sourceOf(page).getByText('Grows by 64 px at the right'))
    await promptOf(page).fill('a red apple, wide')
    await page.keyboard.press('Control+Enter')
    await seen(endOf(page, 'completed', 'a red apple, wide'))
    const after = await latest()
    assert.deepEqual([after.width, after.height], [before.width + 64, before.height])

    const [old, now] = await Promise.all([before, after].map(({ id }) => pixelsOf(page, `/api/download/${id}`)))
    const same = (x, row) => [0, 1, 2].every((c) => old.data[4 * (row * old.width + x) + c] === now.data[4 * (row * now.width + x) + c])
    for (let row = 0; row < old.height; row += 16) assert.ok(same(0, row), `the left edge stays, row ${row}`)

    await page.goto(`${stage.server.url}/?picture=${after.id}`)
    await button(page, 'Made from: a red apple').click()
    await seen(page.getByRole('region', { name: 'Made from this' }).getByRole('button', { name: 'a red apple, wide' }))
  })

  it('leads from a sketch back to the picture that it was painted on', async () => {
    const page = await openWithSource('a blue boat')
    const before = await latest()
    const [x, y] = await openCanvas(page)
    await page.keyboard.press('s')
    await page.mouse.move(x - 40, y)
    await page.mouse.down()
    await page.mouse.move(x + 40, y, { steps: 4 })
    await page.mouse.up()
    await closeCanvas(page)
    const after = await draw(page, 'a blue boat, sketched')
    assert.notEqual(after.init_image, before.pixel_hash)
    assert.equal(after.base, before.pixel_hash)
    await page.goto(`${stage.server.url}/?picture=${after.id}`)
    await button(page, 'Made from: a blue boat').click()
    await seen(page.getByRole('region', { name: 'Made from this' }).getByRole('button', { name: 'a blue boat, sketched' }))
  })

  it('cancels an edit within a step, and is unharmed by a reload', async () => {
    const page = await openWithSource('a fox', { settings: { ...LONG, num_inference_steps: 2, seed: '7' } })
    const [x, y] = await openCanvas(page)
    await page.mouse.click(x, y)
    await closeCanvas(page)
    await seen(sourceOf(page).getByText('What is masked is drawn anew.'))
    await page.reload()
    await seen(sourceOf(page).getByText('What is masked is drawn anew.'))
    const thumb = sourceOf(page).locator('img')
    assert.ok(await thumb.evaluate((image) => image.complete && image.naturalWidth === 256))
    await openCanvas(page)
    await seen(page.getByText(/% of the picture will be drawn anew/))
    await closeCanvas(page)

    await page.evaluate(() => {
      const kept = JSON.parse(sessionStorage.getItem('zimage.settings'))
      sessionStorage.setItem('zimage.settings', JSON.stringify({ ...kept, num_inference_steps: 50 }))
    })
    await page.reload()
    const { id } = await latest()
    await generate(page, 'never to be seen')
    await seen(page.locator('.task-processing', { hasText: 'never to be seen' }))
    await page.keyboard.press('Escape')
    await seen(endOf(page, 'cancelled', 'never to be seen'))
    assert.equal((await latest()).id, id)
  })

  it('takes a file and says what is wrong with another one', async () => {
    const page = await stage.open({ settings: { ...QUICK, seed: '7' } })
    const choose = (name, mimeType, buffer) => page.getByTestId('source-file').setInputFiles({ name, mimeType, buffer })
    await choose('drawing.svg', 'image/svg+xml', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'))
    await seen(page.getByText(/This is no PNG, JPEG, WebP or AVIF/))
    await choose('half.png', 'image/png', a1111Png('x', 64).subarray(0, 90))
    await seen(page.getByText(/or it is damaged/))
    assert.equal(await sourceOf(page).count(), 0)
    await choose('photo.png', 'image/png', colourPng(333, 217, (x, y) => [x % 256, y, 90]))
    await seen(sourceOf(page))
    const image = await draw(page, 'a fox in the rain')
    assert.deepEqual([image.width, image.height], [333, 217])
    assert.deepEqual([image.drawn_width, image.drawn_height], DRAWN)
    await button(page, 'Without a picture').click()
    await gone(sourceOf(page))
    assert.equal((await draw(page, 'a fox without')).init_image, undefined)
  })

  it('draws from a picture at 360 px, by touch, without barriers', async () => {
    const page = await openWithSource('a small fox', PHONE)
    await assertNoSidewaysScroll(page)
    assert.deepEqual(await barriersOf(page), [])
    await button(page, 'Mask and canvas').tap()
    await seen(page.locator('.canvas-paper'))
    await page.waitForTimeout(400)
    const box = await page.locator('.canvas-paper').boundingBox()
    await page.touchscreen.tap(box.x + box.width / 2, box.y + box.height / 2)
    await button(page, 'Done').tap()
    await gone(page.locator('.canvas-editor'))
    await seen(sourceOf(page).getByText('What is masked is drawn anew.'))
    await submitOf(page).tap()
    await page.waitForFunction((count) => document.querySelectorAll('.task-completed').length > count, 0)
  })
}
