import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'

import { CanvasPage } from '../canvasPage.mjs'
import { colourPng, greyPng, readPng } from '../png.mjs'
import { assertNoSidewaysScroll, barriersOf, DIALOG, gone, seen } from '../stage.mjs'

const SIZE = { width: 640, height: 480 }
/** The brush that the editor begins with. */
const RADIUS = 24
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 }

const paperOf = (page) => page.getByRole('application', { name: 'Canvas' })
const button = (page, name) => page.getByRole('button', { name, exact: true })
const said = (page, text) => seen(page.locator('.canvas-said', { hasText: text }))

/** What a brush of a radius covers along corners: the pixels whose middles are no farther from the line. */
function along(corners, { width, height } = SIZE, radius = RADIUS) {
  const ways = corners.length === 1 ? [[corners[0], corners[0]]] : corners.slice(1).map((to, index) => [corners[index], to])
  const isNear = (x, y) =>
    ways.some(([[x1, y1], [x2, y2]]) => {
      const square = (x2 - x1) ** 2 + (y2 - y1) ** 2
      const share = square === 0 ? 0 : Math.min(1, Math.max(0, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / square))
      return Math.hypot(x - x1 - share * (x2 - x1), y - y1 - share * (y2 - y1)) <= radius
    })
  return Buffer.from(Uint8Array.from({ length: width * height }, (_, at) => (isNear((at % width) + 0.5, Math.floor(at / width) + 0.5) ? 255 : 0)))
}

function assertSame(mask, expected, { width, height } = SIZE) {
  assert.deepEqual([mask.width, mask.height, mask.depth, mask.type], [width, height, 8, 0], 'one grey a pixel')
  const others = [...expected.keys()].filter((at) => mask.pixels[at] !== expected[at])
  const shown = others.slice(0, 5).map((at) => `${at % width},${Math.floor(at / width)}: ${mask.pixels[at]}`)
  assert.equal(others.length, 0, `${others.length} pixels differ: ${shown}`)
}

/** Painting a mask and a sketch over a picture, and extending it: on a page of its own, built as the studio is. */
export function canvas(stage) {
  describe('the canvas', () => {
    let alone
    before(async () => {
      alone = await CanvasPage.create()
    })
    after(() => alone?.dispose())

    async function openCanvas({ size = SIZE, ...options } = {}) {
      const page = await stage.open({ viewport: { width: 1440, height: 900 }, ...options, url: `${alone.url}?w=${size.width}&h=${size.height}` })
      await page.getByRole('button').first().click()
      await seen(page.locator('.canvas-paper'))
      await page.waitForTimeout(400) // It slides in.
      return page
    }

    /** Shows a pixel as a pixel; answers where on the window a point of the picture is. */
    async function atFullSize(page, { width, height } = SIZE) {
      await page.keyboard.press('1')
      await seen(page.getByText('100 %').last())
      const box = await page.locator('.canvas-paper').boundingBox()
      return ([x, y]) => [box.x + (box.width - width) / 2 + x, box.y + (box.height - height) / 2 + y]
    }

    async function drag(page, corners) {
      await page.mouse.move(...corners[0])
      await page.mouse.down()
      for (const corner of corners.slice(1)) await page.mouse.move(...corner, { steps: 4 })
      await page.mouse.up()
    }

    /** A layer of what is told when things are quiet, more than `from` times: `{width, height, depth, type, pixels}`. */
    async function told(page, layer, from = 0) {
      await page.waitForFunction((count) => window.told.length > count, from)
      for (let count = 0; count !== (await timesTold(page)); await page.waitForTimeout(500)) count = await timesTold(page)
      const base64 = await page.evaluate(async (name) => {
        const file = window.told.at(-1)[name]
        if (!file) return null
        const bytes = new Uint8Array(await file.arrayBuffer())
        return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
      }, layer)
      return base64 && readPng(Buffer.from(base64, 'base64'))
    }
    /** What is told after something was done. */
    async function next(page, layer, act) {
      const count = await timesTold(page)
      await act()
      return told(page, layer, count)
    }
    const timesTold = (page) => page.evaluate(() => window.told.length)
    const lastTold = (page, name) => page.evaluate((key) => window.told.at(-1)[key], name)

    it('is loaded only when it is opened', async () => {
      const page = await stage.open({ url: alone.url })
      const scripts = () => page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => /Canvas/.test(name)).length)
      await seen(page.getByRole('button').first())
      assert.equal(await scripts(), 0)
      await page.getByRole('button').first().click()
      await seen(paperOf(page))
      assert.ok((await scripts()) > 0)
    })

    it('gives by mouse exactly the pixels that the brush has passed, at any zoom, and takes them back', async () => {
      const page = await openCanvas()
      const toWindow = await atFullSize(page)
      const corners = [[120, 100], [400, 180], [250, 400]]
      await drag(page, corners.map(toWindow))
      assertSame(await told(page, 'mask'), along(corners))

      assert.equal(await next(page, 'mask', () => page.keyboard.press('Control+z')), null)
      await said(page, 'Taken back: brush stroke')
      assertSame(await next(page, 'mask', () => page.keyboard.press('Control+Shift+Z')), along(corners))

      // The same at another zoom: the wheel keeps what is under the mouse where it is.
      await next(page, 'mask', () => page.keyboard.press('Control+z'))
      const [left, top] = toWindow([0, 0])
      const [x, y] = [Math.round(left + 320), Math.round(top + 240)]
      await page.mouse.move(x, y)
      for (let notch = 0; notch < 3; notch += 1) await page.mouse.wheel(0, -120)
      const scale = Math.exp(0.0016 * 120) ** 3
      const mask = await next(page, 'mask', () => drag(page, [[x - 100, y + 30], [x + 80, y - 60]]))
      const ends = [[-100, 30], [80, -60]].map(([dx, dy]) => [x - left + dx / scale, y - top + dy / scale])
      assertSame(mask, along(ends))
    })

    it('takes away, fills, inverts, and tells a soft edge as a number only', async () => {
      const page = await openCanvas()
      const toWindow = await atFullSize(page)
      await button(page, 'Fill all').click()
      await button(page, 'Eraser').click()
      await drag(page, [[100, 100], [300, 300]].map(toWindow))
      await page.keyboard.press('x')
      assertSame(await told(page, 'mask'), along([[100, 100], [300, 300]]))
      const soft = await next(page, 'mask', async () => {
        await page.getByRole('slider', { name: 'Soft edge' }).focus()
        for (let step = 0; step < 12; step += 1) await page.keyboard.press('ArrowRight')
        await button(page, 'Only the mask').click()
      })
      assertSame(soft, along([[100, 100], [300, 300]]))
      assert.deepEqual([await lastTold(page, 'feather'), await lastTold(page, 'maskMode')], [12, 'only_masked'])
    })

    it('fills rectangles and lassos, with a modifier takes them away', async () => {
      const page = await openCanvas()
      const toWindow = await atFullSize(page)
      const rectangle = (left, top, right, bottom) => (x, y) => x > left && x < right && y > top && y < bottom
      const whole = rectangle(100, 80, 501, 401)
      const hole = rectangle(200, 150, 400, 300)
      await page.keyboard.press('r')
      await drag(page, [[100, 80], [500, 400]].map(toWindow))
      await page.keyboard.press('l')
      await page.keyboard.down('Alt')
      await drag(page, [[200, 150], [400, 150], [400, 300], [200, 300]].map(toWindow))
      await page.keyboard.up('Alt')
      const expected = Buffer.from(
        Uint8Array.from({ length: SIZE.width * SIZE.height }, (_, at) => {
          const [x, y] = [(at % SIZE.width) + 0.5, Math.floor(at / SIZE.width) + 0.5]
          return whole(x, y) && !hole(x, y) ? 255 : 0
        }),
      )
      assertSame(await told(page, 'mask'), expected)
    })

    it('is painted by fingers, zoomed by two of them, and by a pen as wide as it is pressed', async () => {
      const page = await openCanvas(PHONE)
      const devtools = await page.context().newCDPSession(page)
      const fingers = (type, ...points) => devtools.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) })
      const box = await page.locator('.canvas-paper').boundingBox()
      const [x, y] = [Math.round(box.x + box.width / 2), Math.round(box.y + box.height / 2)]
      await fingers('touchStart', [x - 60, y])
      await fingers('touchMove', [x, y + 10])
      await fingers('touchMove', [x + 60, y])
      await fingers('touchEnd')
      const painted = await told(page, 'mask')
      const count = ({ pixels }) => pixels.reduce((sum, value) => sum + (value === 255 ? 1 : 0), 0)
      assert.equal(painted.pixels[240 * SIZE.width + 320], 255)
      assert.deepEqual([...new Set(painted.pixels)].sort(), [0, 255])

      const scale = page.locator('.canvas-scale')
      const before = parseInt(await scale.textContent(), 10)
      await fingers('touchStart', [x - 40, y - 60])
      await fingers('touchStart', [x - 40, y - 60], [x + 40, y - 60])
      for (const spread of [55, 70, 80]) await fingers('touchMove', [x - spread, y - 60], [x + spread, y - 60])
      await fingers('touchEnd')
      assert.ok(parseInt(await scale.textContent(), 10) > 1.7 * before)
      assert.equal(await next(page, 'mask', () => button(page, 'Undo').tap()), null, 'two fingers have painted nothing')

      const pen = (type, px, force) => devtools.send('Input.dispatchMouseEvent', { type, x: px, y: y + 20, button: 'left', buttons: 1, clickCount: 1, pointerType: 'pen', force })
      const dab = async (px, force) => {
        const mask = await next(page, 'mask', async () => {
          await pen('mousePressed', px, force)
          await pen('mouseReleased', px, force)
        })
        return count(mask)
      }
      const light = await dab(x - 60, 0.2)
      const both = await dab(x + 60, 1)
      assert.ok(both - light > 3 * light, `${light} and ${both}`)
      await said(page, 'A pen: fingers now only move the picture')
    })

    it('is painted, undone and closed by keys alone', async () => {
      const page = await openCanvas()
      await page.keyboard.press('1')
      for (let tabs = 0; tabs < 40 && !(await paperOf(page).evaluate((paper) => paper === document.activeElement)); tabs += 1) await page.keyboard.press('Tab')
      assert.ok(await paperOf(page).evaluate((paper) => paper.matches(':focus-visible')))
      for (let size = 0; size < 12; size += 1) await page.keyboard.press('[')
      const diameter = Number(/\d+/.exec(await page.locator('.canvas-said').textContent())[0])
      await page.keyboard.press('Alt+ArrowRight')
      await said(page, '321, 240: free')
      await page.keyboard.down(' ')
      await page.keyboard.press('Shift+ArrowRight')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.up(' ')
      await said(page, '371, 250: masked')
      const corners = [[321.5, 240.5], [371.5, 240.5], [371.5, 250.5]]
      assertSame(await told(page, 'mask'), along(corners, SIZE, diameter / 2))

      const longer = await next(page, 'mask', async () => {
        await page.keyboard.press('Enter')
        await said(page, 'Brush down')
        await page.keyboard.press('Shift+ArrowDown')
        await page.keyboard.press('Enter')
        await said(page, 'Brush up')
      })
      assertSame(longer, along([...corners, [371.5, 300.5]], SIZE, diameter / 2))
      const none = await next(page, 'mask', async () => {
        await page.keyboard.press('Control+z')
        await page.keyboard.press('Control+z')
      })
      assert.equal(none, null)

      const mask = await next(page, 'mask', async () => {
        await page.keyboard.press('l')
        for (const key of ['ArrowRight', 'ArrowDown', 'ArrowLeft']) {
          await page.keyboard.press(' ')
          await page.keyboard.press(`Shift+${key}`)
        }
        await page.keyboard.press(' ')
        await page.keyboard.press('Enter')
      })
      assert.equal(mask.pixels.reduce((sum, value) => sum + value / 255, 0), 50 * 50)

      await page.keyboard.press(' ')
      await page.keyboard.press('Escape')
      await page.keyboard.press('Escape')
      await gone(page.getByRole('dialog'))
    })

    it('comes out of a reload unharmed, with its tools', async () => {
      const page = await openCanvas()
      const toWindow = await atFullSize(page)
      const corners = [[120, 100], [400, 180]]
      await drag(page, corners.map(toWindow))
      await page.keyboard.press('s')
      await page.keyboard.press(']')
      await drag(page, [[300, 300], [320, 300]].map(toWindow))
      await page.keyboard.press('o')
      await page.locator('.canvas-handle-left').press('ArrowLeft')
      const sketch = await told(page, 'sketch')
      await page.reload()
      await page.getByRole('button').first().click()
      await seen(paperOf(page))
      assertSame(await told(page, 'mask'), along(corners))
      assert.ok((await told(page, 'sketch')).pixels.equals(sketch.pixels))
      assert.deepEqual(await lastTold(page, 'outpaint'), { top: 0, right: 0, bottom: 0, left: 16 })
      assert.equal(await button(page, 'Extend').getAttribute('aria-pressed'), 'true')

      assert.equal(await next(page, 'mask', () => button(page, 'Throw everything away').click()), null)
      await page.reload()
      await page.getByRole('button').first().click()
      await seen(paperOf(page))
      await page.waitForTimeout(600)
      assert.equal(await timesTold(page), 0, 'there is nothing left to tell')
    })

    it('keeps a stroke that was finished just before the page went away', async () => {
      const page = await openCanvas()
      const toWindow = await atFullSize(page)
      await drag(page, [[120, 100], [400, 180]].map(toWindow))
      await page.reload()
      await page.getByRole('button').first().click()
      await seen(paperOf(page))
      assertSame(await told(page, 'mask'), along([[120, 100], [400, 180]]))
    })

    it('saves the mask as a file, and opens it again', async () => {
      const page = await openCanvas()
      const toWindow = await atFullSize(page)
      await drag(page, [[120, 100], [400, 180]].map(toWindow))
      const [download] = await Promise.all([page.waitForEvent('download'), button(page, 'Save').click()])
      const file = await readFile(await download.path())
      assertSame(readPng(file), along([[120, 100], [400, 180]]))
      assert.equal(await next(page, 'mask', () => button(page, 'Clear').click()), null)
      const opened = await next(page, 'mask', () => page.locator('input[type=file]').setInputFiles({ name: 'own.png', mimeType: 'image/png', buffer: file }))
      await said(page, 'The mask of own.png is opened')
      assertSame(opened, along([[120, 100], [400, 180]]))
    })

    it('asks how a mask of another size should fit, and refuses what is no picture', async () => {
      const page = await openCanvas()
      const input = page.locator('input[type=file]')
      await input.setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') })
      await seen(page.getByRole('alert').getByText('notes.txt is no picture'))
      const half = greyPng(64, 64, (x) => (x < 32 ? 255 : 0))
      await input.setInputFiles({ name: 'half.png', mimeType: 'image/png', buffer: half })
      await seen(page.getByText('It has 64 × 64 pixels, the picture 640 × 480.'))
      await button(page, 'Fit inside').click()
      await button(page, 'Use as mask').click()
      const mask = await told(page, 'mask')
      const row = mask.pixels.subarray(240 * 640, 241 * 640)
      assert.deepEqual([row.indexOf(255), row.lastIndexOf(255), mask.pixels.length], [80, 319, 640 * 480])
    })

    it('sketches in a colour taken from the picture', async () => {
      const page = await openCanvas()
      const toWindow = await atFullSize(page)
      await page.keyboard.press('s')
      await page.keyboard.press('i')
      await page.mouse.click(...toWindow([461, 144]))
      await said(page, 'Colour #fcd670')
      await page.keyboard.press('b')
      await drag(page, [[100, 100], [200, 100]].map(toWindow))
      const sketch = await told(page, 'sketch')
      assert.deepEqual([sketch.width, sketch.height, sketch.depth, sketch.type], [640, 480, 8, 6])
      const pixel = (x, y) => [...sketch.pixels.subarray(4 * (y * 640 + x), 4 * (y * 640 + x) + 4)]
      assert.deepEqual([pixel(150, 100), pixel(150, 200)], [[252, 214, 112, 255], [0, 0, 0, 0]])
      assert.equal(await lastTold(page, 'mask'), null)
    })

    it('extends the picture by handles, keys and numbers, in whole steps', async () => {
      const page = await openCanvas()
      await page.keyboard.press('o')
      const handle = page.locator('.canvas-handle-right')
      const { x, y, width, height } = await handle.boundingBox()
      const zoomed = parseInt(await page.locator('.canvas-scale').textContent(), 10) / 100
      await drag(page, [[x + width / 2, y + height / 2], [x + width / 2 + 100 * zoomed, y + height / 2]])
      assert.equal(await handle.getAttribute('aria-valuenow'), '96')
      await page.locator('.canvas-handle-top').press('Shift+ArrowUp')
      const left = page.getByRole('spinbutton', { name: 'Extend on the left' })
      await left.fill('100')
      await left.press('Enter')
      assert.equal(await left.inputValue(), '96')
      await said(page, 'Left: 96 px. Allowed are multiples of 16 up to 2048.')
      await left.press('ArrowUp')
      await seen(page.getByText('The new picture: 848 × 544'))
      await page.waitForTimeout(600)
      assert.deepEqual(await lastTold(page, 'outpaint'), { top: 64, right: 96, bottom: 0, left: 112 })
      await button(page, 'Undo').click()
      assert.equal(await left.inputValue(), '96')
    })

    it('shows the soft edge that will be drawn, and counts it', async () => {
      const page = await openCanvas()
      const toWindow = await atFullSize(page)
      await page.getByRole('slider', { name: 'Size', exact: true }).press('Home')
      await page.mouse.click(...toWindow([320.5, 240.5]))
      const slider = page.getByRole('slider', { name: 'Soft edge' })
      await slider.fill('64')
      await seen(page.getByText('1% of the picture will be drawn anew.'))
      const box = await page.locator('.canvas-paper').boundingBox()
      const [x, y] = toWindow([320, 240])
      const alphas = await page.locator('.canvas-draw canvas').nth(2).evaluate(
        (canvas, [across, down]) => [0, 32, 60, 68].map((far) => canvas.getContext('2d').getImageData(across + far, down, 1, 1).data[3]),
        [Math.round(x - box.x), Math.round(y - box.y)],
      )
      assert.ok(alphas[0] > 250, String(alphas)) // What is drawn lies between pixels.
      assert.ok(alphas[1] > 120 && alphas[1] < 136 && alphas[2] > 8 && alphas[2] < 32 && alphas[3] === 0, String(alphas))
    })

    it('shows what is transparent on white, as the model sees it', async () => {
      const page = await openCanvas()
      const clear = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVR42mNgAAIAAAUAAen63NgAAAAASUVORK5CYII='
      await page.route('**/picture-*.png', (route) => route.fulfill({ contentType: 'image/png', body: Buffer.from(clear, 'base64') }))
      await page.reload()
      await page.getByRole('button').first().click()
      await seen(paperOf(page))
      await page.waitForTimeout(600)
      const middle = await page
        .locator('.canvas-draw canvas')
        .first()
        .evaluate((layer) => [...layer.getContext('2d').getImageData(layer.width / 2, layer.height / 2, 1, 1).data])
      assert.deepEqual(middle, [255, 255, 255, 255])
    })

    it('extends a picture of six megapixels', async () => {
      const page = await openCanvas({ size: { width: 3000, height: 2000 } })
      await page.keyboard.press('o')
      const right = page.getByRole('spinbutton', { name: 'Extend on the right' })
      await right.fill('512')
      await right.press('Enter')
      assert.equal(await right.inputValue(), '512')
      await seen(page.getByText('The new picture: 3512 × 2000'))
    })

    for (const [width, height] of [[360, 740], [1440, 900], [1366, 640], [740, 360]]) {
      it(`keeps its head in sight at ${width} × ${height}, and room for the picture`, async () => {
        const phone = Math.min(width, height) < 400 ? { hasTouch: true, isMobile: true } : {}
        const page = await openCanvas({ viewport: { width, height }, ...phone })
        const boxOf = (selector) => page.locator(selector).boundingBox()
        assert.ok((await boxOf('.canvas-stage')).height > 180)
        const fold = button(page, 'Settings')
        if ((await fold.isVisible()) && (await fold.getAttribute('aria-expanded')) === 'false') await fold.click()
        const assertThere = async () => {
          await page.waitForTimeout(100)
          assert.equal((await boxOf('.canvas-head')).y, 0)
          const { y, height: tall } = await boxOf('.canvas-room')
          assert.deepEqual([y, tall], [0, height])
        }
        await page.locator('.canvas-discard').scrollIntoViewIfNeeded()
        await page.locator('.canvas-side').evaluate((side) => side.scrollTo(0, side.scrollHeight))
        await page.locator('.modal-body').evaluate((body) => body.scrollTo(300, 300))
        await assertThere()
        await page.keyboard.press('?')
        await seen(page.locator('.canvas-keys'))
        await assertThere()
        await page.keyboard.press('?')
        await page.keyboard.press('o')
        const [handle, zoom] = [await boxOf('.canvas-handle-bottom'), await boxOf('.canvas-zoom')]
        assert.ok(zoom.x >= handle.x + handle.width || zoom.y >= handle.y + handle.height || handle.y >= zoom.y + zoom.height)
      })
    }

    it('paints on the largest picture', async () => {
      const size = { width: 4096, height: 4096 }
      const page = await openCanvas({ size })
      await page.waitForTimeout(1500)
      const box = await page.locator('.canvas-paper').boundingBox()
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
      await drag(page, [[x - 100, y], [x + 100, y + 40], [x, y + 90]])
      await page.waitForTimeout(1500)
      const mask = await told(page, 'mask')
      assert.deepEqual([mask.width, mask.height, mask.type, [...new Set(mask.pixels)].sort()], [4096, 4096, 0, [0, 255]])
    })

    it('compares two pictures by a line that a mouse, a finger or the arrows move', async () => {
      const page = await stage.open({ url: alone.url, ...PHONE })
      await page.getByRole('button', { name: 'Compare' }).click()
      const line = page.getByRole('slider')
      const share = () => page.locator('.before-after').evaluate((element) => element.style.getPropertyValue('--share'))
      await line.focus()
      await page.keyboard.press('ArrowLeft')
      assert.equal(await share(), '49%')
      await page.keyboard.press('Home')
      assert.equal(await share(), '0%')
      const { x, y, width, height } = await page.locator('.before-after').boundingBox()
      await page.touchscreen.tap(x + width * 0.75, y + height / 2)
      const tapped = parseInt(await share(), 10)
      assert.ok(Math.abs(tapped - 75) <= 1, `${tapped}`)
      assert.deepEqual(await barriersOf(page), [])
      await assertNoSidewaysScroll(page)
    })

    for (const [width, height, colorScheme, locale] of [
      [1440, 900, 'light', 'en-US'],
      [1440, 900, 'dark', 'zh-CN'],
      [360, 740, 'light', 'zh-CN'],
      [360, 740, 'dark', 'en-US'],
      [320, 640, 'light', 'en-US'],
    ]) {
      it(`fits into ${width} px without barriers: ${colorScheme}, ${locale}`, async () => {
        const phone = width < 700 ? { hasTouch: true, isMobile: true } : {}
        const page = await openCanvas({ viewport: { width, height }, colorScheme, locale, ...phone })
        const half = colourPng(8, 8, () => [255, 255, 255])
        for (const mode of ['m', 's', 'o']) {
          await page.keyboard.press(mode)
          if (mode === 'm') await page.locator('input[type=file]').setInputFiles({ name: 'half.png', mimeType: 'image/png', buffer: half })
          if (mode === 'm') await seen(page.locator('.canvas-offer'))
          await page.waitForTimeout(100)
          assert.deepEqual(await barriersOf(page, DIALOG), [], mode)
          await assertNoSidewaysScroll(page)
        }
        await page.keyboard.press('?')
        assert.deepEqual(await barriersOf(page, DIALOG), [])
        await page.keyboard.press('?')
        await gone(page.locator('.canvas-keys'))
      })
    }
  })
}
