import assert from 'node:assert/strict'
import { it } from 'node:test'

import { seen } from '../stage.mjs'

const GB = 1e9

/** A machine that could carry everything, whatever this one is. */
async function pretendRoom(page) {
  await page.route('**/api/system/status', async (route) => {
    const status = await (await route.fetch()).json()
    const [memory, disk] = [{ ...status.memory, total_gb: 64 }, { ...status.disk, free_gb: 500 }]
    return route.fulfill({ json: { ...status, memory, disk } })
  })
}

/** The models that are here, and those that could be. */
export function models(stage) {
  it('asks the server for a model, and says why it does not come', async () => {
    const page = await stage.open({ path: '/favicon.svg' })
    await pretendRoom(page)
    await page.goto(stage.server.url)
    await page.getByRole('button', { name: 'Get a larger model' }).click()
    const dialog = page.getByRole('dialog', { name: 'Models' })
    await dialog.getByRole('button', { name: /^Download [\d.]+ GB: Z-Image-Turbo/ }).click()
    // The server of these tests stays offline.
    await seen(dialog.getByRole('alert').filter({ hasText: 'It cannot be downloaded now.' }))
  })

  it('shows how far a download is, and stops it', async () => {
    const page = await stage.open({ path: '/favicon.svg' })
    const stops = []
    page.on('request', (request) => request.method() === 'DELETE' && stops.push(new URL(request.url()).pathname))
    const download = { state: 'running', done_bytes: 8.2 * GB, total_bytes: 32.9 * GB, message: '' }
    await stage.pretendModels(page, (model) => (model.installed ? model : { ...model, download }))
    await page.goto(stage.server.url)
    await page.getByRole('button', { name: 'Models' }).click()
    const bar = page.getByRole('progressbar', { name: 'Download of Z-Image-Turbo' })
    await seen(bar)
    assert.equal(await bar.getAttribute('value'), '24')
    const isStop = (response) => response.request().method() === 'DELETE'
    await Promise.all([
      page.waitForResponse(isStop),
      page.getByRole('button', { name: 'Cancel the download of Z-Image-Turbo' }).click(),
    ])
    assert.deepEqual(stops, ['/api/models/z-image-turbo/download'])
  })
}
