import assert from 'node:assert/strict'
import { it } from 'node:test'

import { assertNoSidewaysScroll, barriersOf, generate, LONG, promptOf, QUICK, seen, submitOf } from '../stage.mjs'

const boxOf = (locator) => locator.first().boundingBox()
const widthOf = async (locator) => (await boxOf(locator)).width
/** How wide the first card is; the long scroll makes its rows anew when that changes. */
const cardWidthOf = async (page) => {
  const width = await page.waitForFunction(() => document.querySelector('.gallery .card-picture')?.clientWidth)
  return width.jsonValue()
}
/** Pictures that arrive above may move the page by a little; a scroll of it would be hundreds of pixels. */
const isStill = async (page, scrolled) => Math.abs((await page.evaluate(() => window.scrollY)) - scrolled) < 40
const columnsOf = (page) =>
  page.locator('.gallery-grid').evaluate((grid) => getComputedStyle(grid).gridTemplateColumns.split(' ').length)

/** Where form, picture and gallery stand, and what of it people arrange themselves. */
export function layout(stage) {
  for (const viewport of [{ width: 1440, height: 900 }, { width: 1440, height: 620 }, { width: 1024, height: 700 }]) {
    it(`keeps the form in reach while the gallery scrolls, at ${viewport.width} × ${viewport.height}`, async () => {
      await stage.havePictures(23)
      const page = await stage.open({ viewport })
      await seen(page.locator('.card-picture img'))
      const inWindow = async (locator) => {
        const { y, height } = await boxOf(locator)
        return y >= 0 && y + height <= viewport.height
      }
      assert.ok(await inWindow(submitOf(page)), 'the button is in sight before anything is scrolled')
      await page.locator('.pager').scrollIntoViewIfNeeded()
      assert.ok(await page.evaluate(() => window.scrollY > 300))
      assert.ok(await inWindow(submitOf(page)), 'and beside the end of the gallery')
      const scrolled = await page.evaluate(() => window.scrollY)
      await page.locator('.meters').scrollIntoViewIfNeeded() // What is last in the column comes by a scroll of its own.
      assert.ok(await inWindow(page.locator('.meters')))
      assert.ok(await isStill(page, scrolled))
      await promptOf(page).scrollIntoViewIfNeeded()
      assert.ok(await inWindow(promptOf(page)))
      assert.ok(await isStill(page, scrolled))
    })
  }

  it('folds the form away by a key and a button, and remembers it', async () => {
    await stage.havePictures(23)
    const page = await stage.open({ viewport: { width: 1440, height: 900 }, settings: QUICK })
    await seen(page.locator('.card-picture img'))
    const [wide, columns] = [await widthOf(page.locator('.gallery')), await columnsOf(page)]
    const fold = page.locator('.fold-button')
    assert.equal(await fold.getAttribute('aria-expanded'), 'true')
    await page.keyboard.press('o')
    await promptOf(page).waitFor({ state: 'hidden' })
    assert.ok((await widthOf(page.locator('.gallery'))) > wide + 300)
    assert.ok((await columnsOf(page)) > columns)
    await page.reload()
    await seen(page.locator('.card-picture img'))
    assert.equal(await promptOf(page).isVisible(), false)
    assert.deepEqual(await barriersOf(page), [])
    await page.getByRole('button', { name: 'Show the form' }).click()
    await seen(promptOf(page))
    assert.equal(await fold.evaluate((button) => button === document.activeElement), true)
    await fold.press('Enter')
    await promptOf(page).waitFor({ state: 'hidden' })

    await page.keyboard.press('/') // Who wants to write gets the form back.
    await page.keyboard.type('o o')
    assert.equal(await promptOf(page).inputValue(), 'o o')
    await promptOf(page).blur()
    await page.keyboard.press('o')
    await page.getByRole('button', { name: 'Use these settings' }).click()
    await seen(promptOf(page))
  })

  it('shows what was refused, also where the form is folded away', async () => {
    const page = await stage.open({ viewport: { width: 1440, height: 900 } })
    await seen(promptOf(page))
    await page.keyboard.press('o')
    await promptOf(page).waitFor({ state: 'hidden' })
    await page.keyboard.press('Control+Enter')
    await seen(page.getByText('Write what the picture should show.'))
    assert.equal(await page.evaluate(() => document.activeElement.className.includes('prompt')), true)
    await page.keyboard.type('it stays while it is put right')
    assert.equal(await promptOf(page).inputValue(), 'it stays while it is put right')
  })

  it('knows no fold where there is one column', async () => {
    const page = await stage.open({ viewport: { width: 720, height: 900 } })
    await seen(promptOf(page))
    await page.keyboard.press('o')
    assert.equal(await page.locator('.fold-button').isVisible(), false)
    await page.setViewportSize({ width: 1440, height: 900 })
    assert.ok(await promptOf(page).isVisible())
  })

  for (const [width, path] of [[1440, '/'], [1440, '/?view=scroll'], [360, '/'], [360, '/?view=scroll']]) {
    it(`shows the gallery as large as wanted, and remembers it: ${width} px, ${path}`, async () => {
      await stage.havePictures(8)
      const page = await stage.open({ path, viewport: { width, height: 800 }, hasTouch: width < 700, isMobile: width < 700 })
      const card = page.locator('.gallery .card-picture')
      const slider = page.getByRole('slider', { name: 'Size of the pictures' })
      await seen(card)
      const usual = await cardWidthOf(page)
      await slider.press('End')
      await page.waitForFunction((px) => document.querySelector('.gallery .card-picture')?.clientWidth > px, usual * 1.5)
      await assertNoSidewaysScroll(page)
      await slider.press('Home')
      await page.waitForFunction((px) => document.querySelector('.gallery .card-picture')?.clientWidth < px, usual)
      const small = await cardWidthOf(page)
      await page.reload()
      await seen(card)
      await page.waitForFunction((px) => document.querySelector('.gallery .card-picture')?.clientWidth === px, small)
    })
  }

  for (const width of [1440, 720, 360]) {
    it(`shows below the preview what is being drawn, and moves nothing when it is done: ${width} px`, async () => {
      await stage.havePictures(2)
      // High enough that all that could be pushed about is in the window.
      const prompt = `growing in sight at ${width}`
      const page = await stage.open({ viewport: { width, height: 2200 }, settings: { ...LONG, seed: '4711' } })
      await seen(page.locator('.stage-image'))
      const caption = page.locator('.latest .prompt-text')
      await page.evaluate(() => {
        window.seen = { shifts: [], pairs: new Set() }
        const note = () => {
          const picture = document.querySelector('.stage-image')
          const live = picture?.closest('.stage-live') ? 'live' : 'done'
          window.seen.pairs.add(`${live}: ${picture?.alt.replace('Being drawn: ', '')} / ${document.querySelector('.latest .prompt-text')?.textContent}`)
        }
        new MutationObserver(note).observe(document.querySelector('.latest'), { subtree: true, childList: true, characterData: true, attributes: true })
      })
      await generate(page, prompt)
      await seen(page.locator('.stage-live'))
      assert.equal(await caption.textContent(), prompt)
      assert.equal(await page.locator('.latest .details-seed dd').textContent(), '4711')
      assert.equal(await page.locator('.latest .details-steps dd').textContent(), '50')
      await page.waitForTimeout(600)
      await page.evaluate(() =>
        new PerformanceObserver((list) => {
          for (const { value, hadRecentInput, sources } of list.getEntries()) {
            // A new card comes first in the gallery, which is below the window where windows have usual heights.
            const moved = sources.filter(({ node }) => node?.parentElement?.closest('.latest'))
            if (!hadRecentInput && moved.length > 0) window.seen.shifts.push([value, moved.map(({ node }) => node.className)])
          }
        }).observe({ type: 'layout-shift' }),
      )
      const before = await boxOf(page.locator('.latest'))
      await seen(page.getByRole('button', { name: `View large: ${prompt}` }))
      await page.waitForTimeout(500)
      assert.deepEqual(await page.evaluate(() => window.seen.shifts), [])
      assert.deepEqual(await boxOf(page.locator('.latest')), before)
      const pairs = await page.evaluate(() => [...window.seen.pairs])
      const later = pairs.slice(pairs.findIndex((pair) => pair.startsWith('live')))
      const own = [`live: ${prompt} / ${prompt}`, `done: ${prompt} / ${prompt}`]
      assert.deepEqual(later, own, 'the picture before is not seen again in between')
    })
  }
}
