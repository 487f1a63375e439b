import assert from 'node:assert/strict'
import { it } from 'node:test'

import { a1111Png } from '../png.mjs'
import { assertNoSidewaysScroll, barriersOf, DIALOG, gone, promptOf, seen } from '../stage.mjs'

const WORD = 'walked'
const COUNT = 45

/** Looking at one picture after the other, by addresses that can be gone back from, reloaded and shared. */
export function viewer(stage) {
  const button = (page, name) => page.getByRole('button', { name, exact: true })
  const dialogOf = (page) => page.getByRole('dialog')
  const at = (page, index, count = COUNT) => seen(dialogOf(page).getByText(`Picture ${index} of ${count}`, { exact: true }))
  const cardOf = (page, prompt) => page.getByRole('button', { name: `View: ${prompt}`, exact: true })
  const focused = (page, prompt) =>
    page.waitForFunction((name) => document.activeElement?.getAttribute('aria-label') === `View: ${name}`, prompt)
  const isInWindow = (locator) =>
    locator.evaluate((element) => {
      const { top, bottom } = element.getBoundingClientRect()
      return top >= 0 && bottom <= window.innerHeight
    })
  // The same pixels again would be the same picture: each is a square of another size.
  let side = 64
  const add = (prompt) => {
    side += 1
    return stage.server.import(a1111Png(`${prompt}\nSteps: 20, Seed: 1, Size: ${side}x${side}`, side))
  }
  const remove = (id, query = '') => fetch(`${stage.server.url}/api/history/${id}${query}`, { method: 'DELETE' })

  /** As many pictures with the word in their prompts as the tests count, newest first by number. */
  async function haveWalk() {
    for (;;) {
      const { images, total } = await stage.server.get(`/history?q=${WORD}&page_size=100`)
      if (total === COUNT) return images
      if (total > COUNT) await remove(images[0].id)
      else await add(`${WORD} ${total} of ${Date.now()}`)
    }
  }

  for (const [view, start] of [
    ['pages', 18],
    ['scroll', 2],
  ]) {
    it(`walks all that the search finds, and comes back to the one seen last: ${view}`, async () => {
      const images = await haveWalk()
      const page = await stage.open({ path: `/?q=${WORD}&view=${view}` })
      await cardOf(page, images[start].prompt).click()
      await at(page, start + 1)
      const before = await page.evaluate(() => window.history.length)
      await page.keyboard.press('ArrowRight')
      await at(page, start + 2)
      await page.keyboard.press('ArrowRight')
      await at(page, start + 3)
      await seen(dialogOf(page).getByRole('img', { name: images[start + 2].prompt, exact: true }))
      await page.keyboard.press('End')
      await at(page, COUNT)
      assert.match(page.url(), new RegExp(`picture=${images.at(-1).id}`))
      await page.keyboard.press('ArrowRight')
      await at(page, COUNT)
      await page.keyboard.press('Home')
      await at(page, 1)
      await page.keyboard.press('End')
      await at(page, COUNT)
      assert.equal(await page.evaluate(() => window.history.length), before, 'a step is none of the history')
      await page.keyboard.press('Escape')
      await gone(dialogOf(page))
      await focused(page, images.at(-1).prompt)
      await page.waitForTimeout(300) // the browser restores its own place in between
      assert.ok(await isInWindow(cardOf(page, images.at(-1).prompt)))
      if (view === 'pages') await seen(page.getByText('Page 3 of 3'))
    })
  }

  it('shows a small picture as large as there is room, says its real size, and closes by a click beside it', async () => {
    const [{ prompt, width, height }] = await haveWalk()
    const page = await stage.open({ path: `/?q=${WORD}` })
    const steps = await page.evaluate(() => window.history.length)
    await cardOf(page, prompt).dblclick()
    const picture = page.locator('.lightbox-stage img')
    await seen(picture)
    assert.equal(await page.evaluate(() => window.history.length), steps + 1, 'a double click is one step')
    await page.keyboard.press('0')
    await page.locator('.lightbox-stage:not(.zoomed)').waitFor()
    await page.waitForTimeout(400) // it slides in
    const [shown, room] = await Promise.all([picture.boundingBox(), page.locator('.lightbox-stage').boundingBox()])
    assert.ok(Math.abs(Math.min(room.height - shown.height, room.width - shown.width) - 48) <= 2, `${shown.height} of ${room.height}`)
    assert.ok(Math.abs(shown.width / shown.height - width / height) < 0.01)
    await seen(page.getByText(`${width} × ${height}, shown at ${Math.round((100 * shown.width) / width)} %`))

    await picture.click()
    await page.waitForTimeout(400)
    assert.equal(await dialogOf(page).count(), 1, 'the picture itself is looked at')
    await page.locator('.lightbox-stage').click({ position: { x: 5, y: 5 } })
    await gone(dialogOf(page))
    assert.equal(new URL(page.url()).searchParams.has('picture'), false)
  })

  it('walks by a swipe and by the strip, and leaves the deleted one for the next', async () => {
    const images = await haveWalk()
    const page = await stage.open({ path: `/?q=${WORD}`, hasTouch: true })
    await cardOf(page, images[19].prompt).click()
    await at(page, 20)
    await page.locator('.lightbox-strip').getByRole('button', { name: /^Picture 22:/ }).click()
    await at(page, 22)
    const touch = await page.context().newCDPSession(page)
    const finger = (type, ...points) => touch.send('Input.dispatchTouchEvent', { type, touchPoints: points })
    await finger('touchStart', { x: 300, y: 400 })
    await finger('touchMove', { x: 400, y: 402 })
    await finger('touchEnd')
    await at(page, 21)
    await page.keyboard.press('x')
    await at(page, 21, COUNT - 1)
    await seen(dialogOf(page).getByRole('img', { name: images[21].prompt, exact: true }))
    await page.keyboard.press('ArrowLeft')
    await at(page, 20, COUNT - 1)
  })

  it('keeps the one that is looked at while others arrive', async () => {
    const images = await haveWalk()
    const page = await stage.open({ path: `/?q=${WORD}` })
    await cardOf(page, images[19].prompt).click()
    await at(page, 20)
    for (let number = 0; number < 2; number += 1) await add(`${WORD} meanwhile ${number} ${Date.now()}`)
    await at(page, 22, COUNT + 2)
    await seen(dialogOf(page).getByRole('img', { name: images[19].prompt, exact: true }))
    await page.keyboard.press('ArrowLeft')
    await seen(dialogOf(page).getByRole('img', { name: images[18].prompt, exact: true }))
  })

  it('goes back out of the viewer, forward into it, and stays over a reload', async () => {
    const images = await haveWalk()
    const page = await stage.open({ path: `/?q=${WORD}` })
    await cardOf(page, images[0].prompt).click()
    await at(page, 1)
    await page.keyboard.press('ArrowRight')
    await at(page, 2)
    await page.goBack()
    await gone(dialogOf(page))
    assert.equal(new URL(page.url()).search, `?q=${WORD}`)
    await page.goForward()
    await at(page, 2)
    await page.reload()
    await at(page, 2)
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape') // In a hurry.
    await gone(dialogOf(page))
    assert.equal(new URL(page.url()).search, `?q=${WORD}`)
  })

  it('closes by Esc after one of its menus was', async () => {
    await haveWalk()
    const page = await stage.open({ path: `/?q=${WORD}` })
    await page.locator('[data-picture]').first().click()
    const more = dialogOf(page).getByRole('button', { name: 'More' })
    await more.click()
    await seen(dialogOf(page).getByRole('button', { name: 'Copy the prompt' }))
    await page.keyboard.press('Escape')
    await gone(dialogOf(page).getByRole('button', { name: 'Copy the prompt' }))
    await seen(more)
    await page.keyboard.press('Escape')
    await gone(dialogOf(page))
  })

  it('opens the picture of a link wherever it stands, and says when it was deleted', async () => {
    const images = await haveWalk()
    const page = await stage.open({ path: `/?q=${WORD}&picture=${images[31].id}` })
    await at(page, 32)
    await page.getByRole('button', { name: 'Close' }).click()
    await gone(dialogOf(page))
    await focused(page, images[31].prompt)
    await seen(page.getByText('Page 2 of 3'))
    await page.goto(`${stage.server.url}/?q=${WORD}&sort=oldest&picture=${images[31].id}`)
    await at(page, COUNT - 31)
    await page.goto(`${stage.server.url}/?q=nothing+has+these&picture=${images[31].id}`)
    await seen(dialogOf(page).getByText('Outside the filters of the gallery'))
    await remove(images[31].id)
    await page.goto(`${stage.server.url}/?picture=${images[31].id}`)
    await seen(page.getByText('There is no such picture here'))
    await gone(dialogOf(page))
    assert.equal(new URL(page.url()).search, '')
  })

  it('gives dialogs and comparisons an address', async () => {
    await stage.havePictures(2)
    const page = await stage.open()
    for (const name of ['Models', 'Help', 'Saved']) {
      await page.getByRole('button', { name, exact: true }).click()
      await seen(dialogOf(page))
      assert.equal(new URL(page.url()).search, `?dialog=${name.toLowerCase()}`)
      await page.reload()
      await seen(dialogOf(page))
      await page.goBack()
      await gone(dialogOf(page))
      await page.goForward()
      await seen(dialogOf(page))
      await page.goBack()
      await gone(dialogOf(page))
    }
    await page.locator('.card-choice').nth(0).check()
    await page.locator('.card-choice').nth(1).check()
    await page.getByRole('toolbar').getByRole('button', { name: 'Compare' }).click()
    await seen(page.getByRole('dialog', { name: 'Compare' }))
    const link = page.url()
    await page.goBack()
    await gone(dialogOf(page))
    await page.goto(link)
    await seen(page.getByRole('dialog', { name: 'Compare' }))
    await page.keyboard.press('Escape')
    await gone(dialogOf(page))
    await page.getByRole('button', { name: 'Trash' }).click()
    await seen(page.getByRole('heading', { name: 'Trash' }))
    await page.goBack()
    await seen(page.getByRole('heading', { name: 'Gallery' }))
    for (const nonsense of ['dialog=__proto__', 'dialog=nothing', 'picture=%zz', `compare=${'a'.repeat(32)}`]) {
      await page.goto(`${stage.server.url}/?${nonsense}`)
      await seen(promptOf(page))
      await seen(page.locator('.card-picture'))
      assert.equal(await dialogOf(page).count(), 0, nonsense)
    }
  })

  it('asks before it deletes for good at an address that Back leaves, and Forward does not ask for what is gone', async () => {
    const images = await haveWalk()
    await remove(images[0].id)
    const page = await stage.open({ path: '/?trash=1' })
    await button(page, 'Empty the trash').click()
    await seen(dialogOf(page))
    await page.goBack()
    await gone(dialogOf(page))
    assert.equal(new URL(page.url()).search, '?trash=1')
    await page.goForward()
    await dialogOf(page).getByRole('button', { name: 'Delete for good' }).click()
    await gone(dialogOf(page))
    await page.goForward()
    await page.waitForFunction(() => window.location.search === '?trash=1')
    assert.equal(await dialogOf(page).count(), 0)
  })

  it('can be closed with the details hidden, and gives their room to the picture', async () => {
    const images = await haveWalk()
    const page = await stage.open({ path: `/?q=${WORD}`, viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true })
    await cardOf(page, images[3].prompt).tap()
    await at(page, 4)
    await page.waitForTimeout(400) // it slides in
    const room = () => page.locator('.lightbox-stage').boundingBox()
    const placeOf = () => button(page, 'Close').boundingBox()
    const [before, place] = [await room(), await placeOf()]
    assert.ok(before.height < 500)
    await page.mouse.move(180, 600)
    await page.mouse.wheel(0, 400)
    await page.waitForTimeout(200)
    assert.deepEqual(await placeOf(), place, 'it stays in sight')
    await button(page, 'Details').tap()
    await gone(dialogOf(page).getByText('Picture 4 of'))
    assert.equal((await room()).height, 740)
    assert.deepEqual(await placeOf(), place)
    assert.deepEqual(await barriersOf(page, DIALOG), [])
    await button(page, 'Close').tap()
    await gone(dialogOf(page))
  })

  it('compares three beside each other, looking closer at all of them by wheel, drag and two fingers', async () => {
    await haveWalk()
    const page = await stage.open({ path: `/?q=${WORD}`, hasTouch: true })
    for (const number of [0, 1, 2]) await page.locator('.card-choice').nth(number).check()
    await page.getByRole('toolbar').getByRole('button', { name: 'Compare' }).click()
    const panes = page.locator('.compare-pane')
    await seen(panes)
    await page.waitForTimeout(400) // it slides in
    assert.equal(await panes.count(), 3)
    const moved = () => page.locator('.compare-pane img').evaluateAll((images) => images.map((image) => image.style.transform))
    const scaleNow = async () => Number(/scale\((.*)\)/.exec((await moved())[0])?.[1] ?? 1)
    const { x, y, width, height } = await panes.nth(1).boundingBox()
    const [middleX, middleY] = [x + width / 2, y + height / 2]
    await page.mouse.move(middleX, middleY)
    for (let notch = 0; notch < 4; notch += 1) await page.mouse.wheel(0, -120)
    await page.waitForFunction(() => document.querySelector('.compare-pane img').style.transform.includes('scale(2.0736)'))
    await page.mouse.down()
    await page.mouse.move(middleX + 40, middleY + 10, { steps: 3 })
    await page.mouse.up()
    const shown = await moved()
    assert.match(shown[0], /translate\(40(\.\d+)?px, 10(\.\d+)?px\)/)
    assert.equal(new Set(shown).size, 1, 'all show the same place')
    const before = await scaleNow()
    const touch = await page.context().newCDPSession(page)
    const fingers = (type, ...points) => touch.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([px, py], id) => ({ x: px, y: py, id })) })
    await fingers('touchStart', [middleX - 30, middleY])
    await fingers('touchStart', [middleX - 30, middleY], [middleX + 30, middleY])
    for (const spread of [40, 50, 60]) await fingers('touchMove', [middleX - spread, middleY], [middleX + spread, middleY])
    await fingers('touchEnd')
    assert.ok((await scaleNow()) > 1.7 * before)
    await page.keyboard.press('0')
    assert.deepEqual(await moved(), ['', '', ''])
    assert.deepEqual(await barriersOf(page, DIALOG), [])
    await page.setViewportSize({ width: 360, height: 740 })
    await assertNoSidewaysScroll(page)
    await page.goBack()
    await gone(dialogOf(page))
  })

  for (const [width, height, colorScheme, locale] of [
    [1440, 900, 'light', 'en-US'],
    [1024, 700, 'dark', 'zh-CN'],
    [720, 900, 'light', 'zh-CN'],
    [360, 740, 'dark', 'en-US'],
  ]) {
    it(`fits the viewer into ${width} px, without barriers`, async () => {
      const images = await haveWalk()
      const options = width < 700 ? { hasTouch: true, isMobile: true } : {}
      const page = await stage.open({ path: `/?picture=${images[20].id}`, viewport: { width, height }, colorScheme, locale, ...options })
      await seen(dialogOf(page).locator('.lightbox-stage img'))
      await assertNoSidewaysScroll(page)
      assert.equal(await page.locator('.lightbox-strip').isVisible(), width >= 700)
      assert.deepEqual(await barriersOf(page, DIALOG), [])
    })
  }
}
