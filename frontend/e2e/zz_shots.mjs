import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { findChromium, launchBrowser, openPage } from '/work/h/studio/frontend/e2e/browser.mjs'
import { withOmni, OMNI } from '/work/h/studio/frontend/e2e/omni.mjs'
import { colourPng, transparentPng } from '/work/h/studio/frontend/e2e/png.mjs'
mkdirSync('/tmp/shots', { recursive: true })
const hue = (r, g, b) => colourPng(300, 220, (x, y) => [r * (0.5 + x / 600) | 0, g * (0.5 + y / 440) | 0, b])
await withOmni(async (server) => {
  for (const p of ['a rocket on a yellow background', 'an owl', 'three red apples']) await server.submit({ prompt: p, num_inference_steps: 9, seed: 3 })
  await server.idle()
  const browser = await launchBrowser(findChromium())
  for (const [scheme, locale, width] of [['light', 'en-US', 1280], ['dark', 'zh-CN', 1280], ['light', 'zh-CN', 360], ['dark', 'en-US', 360]]) {
    const name = `${width}-${scheme}`
    const mobile = width < 700 ? { hasTouch: true, isMobile: true, deviceScaleFactor: 2 } : {}
    const settings = { width: 256, height: 256, num_inference_steps: 2, seed: '7', prompt: 'the fox of the first picture in the forest of the second' }
    const open = async (more) => openPage(browser, server.url, { colorScheme: scheme, locale, viewport: { width, height: 900 }, settings: { ...settings, ...more }, ...mobile })
    let page = await open({ model: OMNI })
    await page.locator('.references').waitFor()
    await page.waitForTimeout(600)
    await page.screenshot({ path: `/tmp/shots/refs-empty-${name}.png` })
    await page.getByTestId('reference-file').setInputFiles([hue(230, 120, 30), hue(60, 140, 250), hue(20, 200, 90)].map((buffer, i) => ({ name: `${i}.png`, mimeType: 'image/png', buffer })))
    await page.waitForFunction(() => document.querySelectorAll('.reference').length === 3)
    await page.waitForTimeout(600)
    await page.screenshot({ path: `/tmp/shots/refs-${name}.png`, fullPage: width < 700 })
    await page.locator('.form-actions button[type=submit]').click()
    await page.locator('.task-completed').first().waitFor()
    const { images } = await server.get('/history?page_size=1')
    await page.goto(`${server.url}/?picture=${images[0].id}`)
    await page.locator('.relative-numbered').first().waitFor()
    await page.waitForTimeout(800)
    await page.screenshot({ path: `/tmp/shots/viewer-${name}.png` })
    await page.context().close()

    page = await open({ model: 'zimage-nano' })
    const nets = ['Z-Image-Turbo-Fun-Controlnet-Union-2.1-lite.safetensors', 'Z-Image-Turbo-Fun-Controlnet-Tile-2.1-lite.safetensors'].map((n) => ({ name: n, kind: '2.1-lite', format: 'BF16', size_bytes: 2e9, takes_mask: true }))
    await page.route('**/api/models', async (route) => {
      const answer = await (await route.fetch()).json()
      return route.fulfill({ json: { ...answer, controls: nets } })
    })
    await page.reload()
    const clear = transparentPng(256, 256, (x, y) => ((x - 128) ** 2 + (y - 100) ** 2 < 2500 ? [0, 0, 0, 0] : [x, y, 90, 255]))
    await page.getByTestId('source-file').setInputFiles({ name: 'c.png', mimeType: 'image/png', buffer: clear })
    await page.locator('.source').waitFor()
    await page.waitForTimeout(600)
    await page.screenshot({ path: `/tmp/shots/clear-${name}.png` })
    await page.locator('.source .actions button').nth(1).click()
    await page.locator('.source-mask').waitFor()
    await page.locator('.control-actions button').nth(1).click()
    await page.locator('.control-item').waitFor()
    await page.waitForTimeout(600)
    await page.locator('.control').evaluate((e) => e.scrollIntoView({ block: 'center' }))
    await page.screenshot({ path: `/tmp/shots/control-${name}.png` })
    await page.locator('.source select').selectOption('2')
    await page.locator('.source .notice').waitFor()
    await page.locator('.source').evaluate((e) => e.scrollIntoView({ block: 'start' }))
    await page.waitForTimeout(300)
    await page.screenshot({ path: `/tmp/shots/tiles-${name}.png` })
    if (width > 700 || scheme === 'dark') {
      await page.locator('.source .actions button').first().click()
      await page.locator('.canvas-paper').waitFor()
      await page.waitForTimeout(800)
      await page.screenshot({ path: `/tmp/shots/canvas-${name}.png` })
    }
    await page.context().close()
    console.log(name)
  }
  await browser.close()
})
