import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { it } from 'node:test'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { Hub } from '../hub.mjs'
import { Server } from '../server.mjs'
import { assertNoSidewaysScroll, barriersOf, DIALOG, gone, seen } from '../stage.mjs'

const GB = 1e9
const NANO = fileURLToPath(new URL('../../../Z-Image/ckpts/zimage-nano', import.meta.url))
const TURBO = 'z-image-turbo'

/** A machine that could carry everything, whatever this one is: the published model is the one for it. */
async function pretendVariants(page, change = (variant) => variant) {
  await page.route('**/api/models/variants', async (route) => {
    const answer = await (await route.fetch()).json()
    const recommended = { reason: 'full', short_of_disk: false }
    const variants = answer.variants.map((variant) => ({ ...variant, recommended: variant.id === TURBO ? recommended : null }))
    return route.fulfill({ json: { room_bytes: 500 * GB, variants: variants.map(change) } })
  })
}

/** A server that may fetch from a hub on the loopback, which has small files under the names of a variant's. */
async function withHub(play) {
  const split = 'split_files'
  const hub = await Hub.create('Comfy-Org/z_image_turbo', {
    [`${split}/diffusion_models/z_image_turbo_nvfp4.safetensors`]: `${NANO}/transformer/diffusion_pytorch_model.safetensors`,
    [`${split}/text_encoders/qwen_3_4b_fp4_mixed.safetensors`]: `${NANO}/text_encoder/model.safetensors`,
    [`${split}/vae/ae.safetensors`]: `${NANO}/vae/diffusion_pytorch_model.safetensors`,
  })
  const folder = await mkdtemp(path.join(tmpdir(), 'zimage-models-'))
  const settings = { HF_ENDPOINT: hub.url, HF_HUB_OFFLINE: '0', ZIMAGE_MODELS_DIR: folder, ZIMAGE_MIN_FREE_DISK_MB: '0' }
  const server = await Server.create(settings)
  try {
    await play(server, folder)
  } finally {
    await server.dispose()
    hub.dispose()
    await rm(folder, { recursive: true, force: true })
  }
}

/** The models that are here, and those that could be. */
export function models(stage) {
  it('asks the server for a model, and says why it does not come', async () => {
    const page = await stage.open({ path: '/favicon.svg' })
    await pretendVariants(page)
    await page.goto(stage.server.url)
    await page.getByRole('button', { name: 'Get a larger model' }).click()
    const dialog = page.getByRole('dialog', { name: 'Models' })
    await dialog.getByRole('button', { name: /^Download [\d.]+ GB: Z-Image-Turbo \(published\)/ }).click()
    // The server of these tests stays offline.
    await seen(dialog.getByRole('alert').filter({ hasText: 'It cannot be downloaded now.' }))
  })

  it('shows how far a download is, and stops it', async () => {
    const page = await stage.open({ path: '/favicon.svg' })
    const stops = []
    page.on('request', (request) => request.method() === 'DELETE' && stops.push(new URL(request.url()).pathname))
    const download = { state: 'running', done_bytes: 8.2 * GB, total_bytes: 32.9 * GB, message: '' }
    await pretendVariants(page, (variant) => (variant.id === TURBO ? { ...variant, download } : variant))
    await page.goto(stage.server.url)
    await page.getByRole('button', { name: 'Models' }).click()
    const bar = page.getByRole('progressbar', { name: 'Download of Z-Image-Turbo (published)' })
    await seen(bar)
    assert.equal(await bar.getAttribute('value'), '24')
    const isStop = (response) => response.request().method() === 'DELETE'
    await Promise.all([
      page.waitForResponse(isStop),
      page.getByRole('button', { name: 'Cancel the download of Z-Image-Turbo (published)' }).click(),
    ])
    assert.deepEqual(stops, ['/api/models/z-image-turbo/download'])
  })

  it('fetches a variant of single files, and deletes it after it has said what goes', async (test) => {
    await withHub(async (server, folder) => {
      const { room_bytes: room, variants } = await server.get('/models/variants')
      if (room < variants.find(({ id }) => id === 'z_image_turbo_nvfp4').size_bytes) return test.skip('the disk is full')
      const page = await stage.open({ url: server.url, viewport: { width: 360, height: 740 } })
      await page.getByRole('button', { name: 'Get a larger model' }).click()
      const dialog = page.getByRole('dialog', { name: 'Models' })
      await seen(dialog.getByText(/ are free on the disk of the models\./))
      for (const more of await dialog.locator('summary', { hasText: /more variants/ }).all()) await more.click()
      assert.deepEqual(await barriersOf(page, DIALOG), [])
      await assertNoSidewaysScroll(page)

      await dialog.getByRole('button', { name: /^Download 8\.3 GB: Z-Image-Turbo \(nvfp4\)/ }).press('Enter')
      const own = dialog.getByRole('listitem').filter({ hasText: 'Your file diffusion_models/z_image_turbo_nvfp4.safetensors' })
      await seen(own.getByText('Installed', { exact: true }))
      assert.deepEqual(await readdir(`${folder}/diffusion_models`), ['z_image_turbo_nvfp4.safetensors'])

      await own.getByRole('button', { name: 'Delete: z_image_turbo_nvfp4' }).press('Enter')
      await seen(own.getByText('diffusion_models/z_image_turbo_nvfp4.safetensors', { exact: true }))
      assert.deepEqual(await barriersOf(page, DIALOG), [])
      await assertNoSidewaysScroll(page)
      await own.getByRole('button', { name: /^Delete [\d.]+ MB/ }).click()
      await gone(own)
      assert.deepEqual(await readdir(`${folder}/diffusion_models`), [])
      assert.equal((await server.get('/models')).models.some(({ id }) => id === 'z_image_turbo_nvfp4'), false)
    })
  })
}
