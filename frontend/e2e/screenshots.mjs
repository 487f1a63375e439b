/**
 * Remakes docs/screenshots/, which the READMEs show, and views of many widths in e2e/output/, to be looked at: starts
 * the real server, lets its model draw some pictures and looks at the built page in Chromium. Run `npm run build` first.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { findChromium, launchBrowser, openPage } from './browser.mjs'
import { Server } from './server.mjs'

const SHOWN = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url))
const LOOKED_AT = fileURLToPath(new URL('./output/screenshots/', import.meta.url))
const PROMPTS = [
  'a rocket on a yellow background',
  '一朵向日葵',
  'a penguin on a blue background',
  '一只蜜蜂',
  'a slice of pizza',
  '绿色背景上的一条鲸鱼',
  'a guitar on an orange background',
  '蘑菇',
  'an owl',
  'three red apples',
  '一只可爱的猫坐在窗边',
  'please draw a nice fox, on a blue background',
]
const WIDTHS = { 360: 780, 768: 1024, 1440: 1080, 3840: 2160 }
const THEMES = { light: 'en-US', dark: 'zh-CN' }

/** A window of each width in both themes, the dark ones in Chinese; and the two that the READMEs show. */
function views() {
  const all = Object.entries(WIDTHS).flatMap(([width, height]) =>
    Object.entries(THEMES).map(([colorScheme, locale]) => ({
      name: `studio-${width}-${colorScheme}`,
      colorScheme,
      locale,
      viewport: { width: Number(width), height },
      ...(Number(width) < 700 && { deviceScaleFactor: 2, hasTouch: true, isMobile: true, scrollTo: '.studio-result' }),
    })),
  )
  const desktop = { colorScheme: 'light', viewport: { width: 1440, height: 1080 } }
  return [
    ...all,
    { ...desktop, name: 'studio', locale: 'en-US', target: SHOWN },
    { ...desktop, name: 'studio.zh-CN', locale: 'zh-CN', target: SHOWN },
  ]
}

const WEBP_QUALITY = 0.82

/** Chromium itself turns its PNG into a WebP of a fraction of the size. */
async function toWebp(page, png) {
  const url = await page.evaluate(
    async ([base64, quality]) => {
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
      const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
      const canvas = Object.assign(document.createElement('canvas'), { width: bitmap.width, height: bitmap.height })
      canvas.getContext('2d').drawImage(bitmap, 0, 0)
      return canvas.toDataURL('image/webp', quality)
    },
    [png.toString('base64'), WEBP_QUALITY],
  )
  return Buffer.from(url.split(',')[1], 'base64')
}

/** Runs in the page. Pictures below the window load late, so only those in sight count. */
function allSeenPicturesLoaded() {
  const isSeen = (image) => image.getBoundingClientRect().top < window.innerHeight
  return [...document.images].filter(isSeen).every((image) => image.complete && image.naturalWidth > 0)
}

async function shoot(browser, server, { name, scrollTo, target = LOOKED_AT, ...options }) {
  const page = await openPage(browser, server.url, options)
  await page.locator('.card-picture img').first().waitFor()
  if (scrollTo) await page.locator(scrollTo).evaluate((element) => element.scrollIntoView({ block: 'start' }))
  await page.waitForFunction(allSeenPicturesLoaded)
  await page.waitForTimeout(800) // The arriving picture's animation.
  const png = await page.screenshot()
  await writeFile(`${target}${name}.webp`, await toWebp(page, png))
  await page.context().close()
  console.log(`${target}${name}.webp`)
}

const executable = findChromium()
if (!executable) throw new Error('no Chromium found: install chromium or set CHROMIUM_PATH')
for (const folder of [SHOWN, LOOKED_AT]) await mkdir(folder, { recursive: true })
const server = await Server.create()
const browser = await launchBrowser(executable)
try {
  for (const [index, prompt] of PROMPTS.entries()) {
    await server.submit({ prompt, width: 512, height: 512, num_inference_steps: 9, seed: 42 + index })
  }
  await server.idle(300_000)
  for (const view of views()) await shoot(browser, server, view)
} finally {
  await browser.close()
  await server.dispose()
}
