import assert from 'node:assert/strict'
import { it } from 'node:test'

import { assertNoSidewaysScroll, barriersOf, endOf, gone, LONG, promptOf, QUICK, seen } from '../stage.mjs'

const LONG_PROMPT = 'a very long description of a red fox that sits in the snow under an old tree, '.repeat(3).trim()
const button = (page, name) => page.getByRole('button', { name })

/** What of `parts` lies outside the whole, as `class: left–right of left–right`. */
function strayOf(page, whole, parts) {
  return page.evaluate(
    ([outer, inner]) => {
      const room = document.querySelector(outer).getBoundingClientRect()
      return [...document.querySelectorAll(`${outer} :is(${inner})`)]
        .map((part) => [part.className, part.getBoundingClientRect()])
        .filter(([, { left, right, width }]) => width > 0 && (left < room.left || right > room.right))
        .map(([name, { left, right }]) => `${name}: ${left}–${right} of ${room.left}–${room.right}`)
    },
    [whole, parts],
  )
}

/** Which of the toasts lie on something that matches the selector. */
function coveredBy(page, selector) {
  return page.evaluate((covered) => {
    const boxOf = (element) => element.getBoundingClientRect()
    const meets = (one, other) => one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom
    const things = [...document.querySelectorAll(covered)].filter((thing) => thing.checkVisibility())
    return [...document.querySelectorAll('.toast-note')].flatMap((toast) =>
      things.filter((thing) => meets(boxOf(toast), boxOf(thing))).map((thing) => `${toast.textContent} on ${thing.className}`),
    )
  }, selector)
}

/** The tasks that wait and what is said in passing: where they stand, and where the focus goes. */
export function queue(stage) {
  for (const width of [1440, 1024, 720, 360]) {
    it(`keeps the row of a long prompt in its panel: ${width} px`, async () => {
      const page = await stage.open({ viewport: { width, height: 900 }, settings: { ...LONG, num_images: 16 } })
      await promptOf(page).fill(LONG_PROMPT)
      for (let times = 0; times < 3; times += 1) {
        await promptOf(page).press('Control+Enter')
        await seen(page.locator('.task').nth(times))
      }
      const parts = 'button, .percent, .task-prompt, .task-badge, progress'
      await seen(button(page, `Later: ${LONG_PROMPT}`))
      assert.deepEqual(await strayOf(page, '.task-status', parts), [])
      const isCut = await page.locator('.task-prompt').first().evaluate((text) => text.scrollWidth > text.clientWidth)
      assert.ok(isCut, 'an ellipsis says that there is more')
      await assertNoSidewaysScroll(page)
      assert.deepEqual(await barriersOf(page, '.task-status'), [])
      await button(page, 'Cancel all waiting (2)').click()
      await seen(endOf(page, 'cancelled', LONG_PROMPT).nth(1))
      await stage.server.cancelAll()
      await seen(page.getByRole('heading', { name: 'Last tasks' }))
      assert.deepEqual(await strayOf(page, '.task-status', parts), [])
      assert.deepEqual(await barriersOf(page, '.task-status'), [])
    })
  }

  it('hands the focus of a cancelled task on', async () => {
    const page = await stage.open({ settings: { ...LONG, num_images: 16 } })
    for (const name of ['one', 'two', 'three']) {
      await promptOf(page).fill(name)
      await promptOf(page).press('Control+Enter')
      await seen(page.locator('.task', { hasText: name }))
    }
    const focused = () => page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.id)
    await seen(button(page, 'Cancel: three'))
    await button(page, 'Cancel: two').focus()
    await page.keyboard.press('Enter')
    await seen(endOf(page, 'cancelled', 'two'))
    assert.equal(await focused(), 'Cancel: three')
    await page.keyboard.press('Enter')
    await seen(endOf(page, 'cancelled', 'three'))
    assert.equal(await focused(), 'Cancel: one')
    await page.keyboard.press('Enter')
    await seen(endOf(page, 'cancelled', 'one'))
    assert.equal(await focused(), 'tasks-title')
    for (const next of ['Dismiss: two', 'Dismiss: three']) {
      await button(page, next).waitFor()
    }
    await button(page, 'Dismiss the ended ones').press('Enter')
    await gone(page.locator('.task-status'))
    assert.equal(await focused(), 'result')
  })

  for (const width of [1440, 1024, 720, 360]) {
    it(`lets no toast lie on what is pressed next: ${width} px`, async () => {
      await stage.havePictures(4)
      const page = await stage.open({ viewport: { width, height: 740 }, settings: QUICK })
      const cards = page.locator('[data-picture]')
      await seen(cards)
      for (const nth of [0, 1, 2]) await cards.nth(nth).press('u')
      await seen(page.locator('.toast-note').nth(2))
      assert.deepEqual(await coveredBy(page, '.form-actions, .details-seed, #form input'), [])
      await page.locator('.form-actions').scrollIntoViewIfNeeded()
      assert.deepEqual(await coveredBy(page, '.form-actions button'), [])
      const widths = await page.locator('.toast-note').evaluateAll((notes) => notes.map(({ offsetWidth }) => offsetWidth))
      assert.ok(Math.max(...widths) <= Math.min(416, width - 24), `${widths} px`)
      await cards.first().press('e')
      await button(page, 'Mask and canvas').click()
      await seen(page.locator('.canvas-paper'))
      await gone(page.locator('.toast-note')) // Its Undo is of the form, not of what is painted.
      assert.deepEqual(await coveredBy(page, '.canvas-tools, .canvas-head, .canvas-zoom, .canvas-side'), [])
    })
  }

  for (const width of [1440, 1024, 720, 360]) {
    it(`names what can be done with chosen pictures, in few rows: ${width} px`, async () => {
      await stage.havePictures(5)
      const page = await stage.open({ viewport: { width, height: 740 } })
      const bar = page.getByRole('toolbar', { name: 'Chosen pictures' })
      /** How many rows its parts stand in: those whose middles are on one height. */
      const rows = () =>
        bar.evaluate((toolbar) => {
          const boxes = [...toolbar.querySelectorAll('button, input')].map((part) => part.getBoundingClientRect())
          const middles = boxes.map(({ top, bottom }) => (top + bottom) / 2).sort((one, other) => one - other)
          return middles.filter((middle, at) => at === 0 || middle - middles[at - 1] > 8).length
        })
      await page.locator('.card-choice').nth(0).check()
      await seen(bar) // Before the next card is clicked, which it may lie on.
      await page.locator('.card-choice').nth(1).check()
      for (const name of ['Favourite', 'Download zip', 'Compare', 'Delete', 'Choose all here', 'Choose none']) {
        await seen(bar.getByRole('button', { name }))
      }
      await bar.getByRole('combobox', { name: 'Add a tag' }).fill('seen')
      await page.keyboard.press('Enter')
      await seen(page.getByText('2 pictures are tagged “seen”.').first())
      await seen(bar.getByRole('button', { name: 'Remove a tag' }))
      assert.ok((await rows()) <= 2, 'two rows at most')
      assert.ok((await bar.getByRole('combobox').boundingBox()).width > 80, 'room to write in')
      assert.deepEqual(await strayOf(page, '.bulk-bar', 'button, input'), [])
      await assertNoSidewaysScroll(page)
      assert.deepEqual(await barriersOf(page, '.bulk-bar'), [])
      assert.deepEqual(await coveredBy(page, '.bulk-bar'), [])
      await bar.getByRole('button', { name: 'Delete' }).click()
      await seen(page.getByText('2 pictures moved to the trash.').first())
      await page.getByRole('button', { name: 'Trash' }).click()
      await seen(page.getByText('What is deleted stays here for 30 days'))
      await page.locator('.card-choice').first().check()
      for (const name of ['Restore', 'Delete for good']) await seen(bar.getByRole('button', { name, exact: true }))
      assert.ok((await rows()) <= 2, 'two rows at most')
    })
  }
}
