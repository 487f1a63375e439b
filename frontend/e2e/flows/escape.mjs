import assert from 'node:assert/strict'
import { it } from 'node:test'

import { gone, LONG, promptOf, seen, submitOf } from '../stage.mjs'

/** So long after the Esc before, another one is not meant for the same. */
const REST_MS = 1100

/** What Esc means, while a job runs that it could cancel. */
export function escape(stage) {
  const openBusy = async () => {
    await stage.havePictures(2)
    const page = await stage.open({ settings: { ...LONG, num_images: 16 } })
    await promptOf(page).fill('not to be cancelled')
    await submitOf(page).click()
    await seen(page.locator('.task-processing'))
    return page
  }
  const assertRuns = async (count = 1) => {
    const { tasks } = await stage.server.get('/generate')
    assert.deepEqual([tasks.length, tasks.some(({ cancelling }) => cancelling)], [count, false])
  }

  it('saves presets without a picture, and closes their dialog by Escape without an end to the job', async () => {
    const page = await openBusy()
    await page.getByRole('button', { name: 'Saved' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByPlaceholder('Name').first().fill('mine')
    await page.keyboard.press('Enter')
    await dialog.getByRole('button', { name: 'Delete: mine' }).click()
    await gone(dialog.getByRole('button', { name: 'Delete: mine' }))
    await page.keyboard.press('Escape')
    await gone(dialog)
    await assertRuns()
    await stage.server.cancelAll()
  })

  it('clears, unchooses and only then cancels by Escape', async () => {
    const page = await openBusy()
    await page.locator('.card-choice').first().check()
    await page.getByRole('searchbox').fill('picture')
    await page.keyboard.press('Escape')
    assert.equal(await page.getByRole('searchbox').inputValue(), '')
    await seen(page.getByText('1 chosen'))
    await promptOf(page).focus()
    await page.keyboard.press('Escape')
    await gone(page.getByText('1 chosen'))
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'More filters' }).click()
    await page.getByLabel('From').focus()
    await page.keyboard.press('Escape')
    await assertRuns()
    await page.waitForTimeout(REST_MS)
    await page.getByRole('searchbox').focus()
    await page.keyboard.press('Escape')
    await page.waitForTimeout(REST_MS)
    await page.locator('.card-picture').first().focus()
    await page.keyboard.press('Escape')
    await assertRuns()
    await page.waitForTimeout(REST_MS)
    await page.locator('#result').focus()
    await page.keyboard.press('Escape')
    await seen(page.locator('.task-cancelled'))
    await page.getByRole('button', { name: 'Run again' }).last().click()
    await seen(page.locator('.task-processing'))
    await stage.server.cancelAll()
  })

  it('cancels nothing by the second Escape of those that close the large view', async () => {
    const page = await openBusy()
    await page.locator('.card-picture').first().click()
    await seen(page.getByRole('dialog'))
    await page.keyboard.press('Escape')
    await gone(page.getByRole('dialog'))
    await page.locator('#result').focus()
    await page.keyboard.press('Escape')
    await assertRuns()
    await stage.server.cancelAll()
  })
}
