import assert from 'node:assert/strict'
import { it } from 'node:test'

import { promptOf, seen, taskOf } from '../stage.mjs'

/** The share of a part's pixels that differ from its most frequent colour, and how many colours cover more than a trace. */
async function inkOf(page, locator) {
  const png = await locator.first().screenshot({ animations: 'disabled' })
  return page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
    const canvas = Object.assign(document.createElement('canvas'), { width: bitmap.width, height: bitmap.height })
    const context = canvas.getContext('2d')
    context.drawImage(bitmap, 0, 0)
    const counts = new Map()
    for (const pixel of new Uint32Array(context.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer)) {
      counts.set(pixel, (counts.get(pixel) ?? 0) + 1)
    }
    const shares = [...counts.values()].map((count) => count / (bitmap.width * bitmap.height))
    return { ink: 1 - Math.max(...shares), colours: shares.filter((share) => share >= 0.002).length }
  }, png.toString('base64'))
}

const groundOf = (locator) => locator.first().evaluate((element) => getComputedStyle(element).backgroundColor)

/** The page in the contrast colours of a system, which take grounds and shadows away. */
export function contrast(stage) {
  for (const colorScheme of ['light', 'dark']) {
    it(`says without its own colours what is chosen, how far it is and where the keys are: ${colorScheme}`, async () => {
      await stage.havePictures(3)
      const page = await stage.openWithEverySize({ colorScheme, forcedColors: 'active' })
      await seen(page.locator('.card-picture img'))

      for (const group of ['.header-controls .segments >> nth=1', '.generate-form .segments', '.bar-toggles .segments']) {
        const [on, off] = ['true', 'false'].map((state) => page.locator(group).locator(`[aria-pressed=${state}]`))
        assert.notEqual(await groundOf(on), await groundOf(off), group)
      }
      await page.getByRole('button', { name: 'More filters' }).click()
      assert.notEqual(await groundOf(page.locator('.bar-toggles > [aria-pressed=true]')), await groundOf(page.locator('.bar-toggles > [aria-pressed=false]')))
      assert.notEqual(await groundOf(page.locator('.shape-option:has(:checked)')), await groundOf(page.locator('.shape-option:not(:has(:checked))')))

      const slider = page.getByRole('slider', { name: 'Steps' })
      const { ink, colours } = await inkOf(page, slider)
      assert.ok(ink > 0.15 && colours >= 3, `a track and a thumb: ${ink}, ${colours}`)
      const bar = await inkOf(page, page.locator('meter'))
      assert.ok(bar.colours >= 2, 'a meter and how full it is')

      await promptOf(page).fill('a {red|blue} fox')
      const box = page.getByRole('checkbox', { name: 'Draw one at random' })
      const checked = await box.screenshot()
      await box.click()
      await page.mouse.move(0, 0)
      assert.notDeepEqual(await box.screenshot(), checked, 'a switch that is on and one that is off')

      await page.locator('.card-choice').first().check()
      const outlineOf = (nth) => page.locator('.card-picture').nth(nth).evaluate((card) => getComputedStyle(card).outlineStyle)
      assert.deepEqual([await outlineOf(0), await outlineOf(1)], ['solid', 'none'])

      for (const field of ['textarea.prompt', '.form-range', '.form-select', '.generate-form .btn', '.card-choice', '.chip']) {
        const ring = await page.locator(field).first().evaluate((element) => {
          element.focus({ focusVisible: true })
          const { outlineStyle, outlineWidth } = getComputedStyle(element)
          return [outlineStyle, parseFloat(outlineWidth) >= 2]
        })
        assert.deepEqual(ring, ['solid', true], field)
      }
    })
  }

  it('marks what the model will not see without its own colours', async () => {
    const page = await stage.open({ forcedColors: 'active' })
    await promptOf(page).fill(`a fox ${'seen from very far away '.repeat(110)}`)
    await seen(page.locator('.prompt-copy mark'))
    const [copy, mark, field] = await page.evaluate(() =>
      ['.prompt-copy', '.prompt-copy mark', '.prompt-copy + .prompt'].map((part) => {
        const { color, backgroundColor, textDecorationLine } = getComputedStyle(document.querySelector(part))
        return { color, backgroundColor, textDecorationLine }
      }),
    )
    const nothing = 'rgba(0, 0, 0, 0)'
    assert.deepEqual([copy.color, mark.color, field.backgroundColor], [nothing, nothing, nothing])
    assert.notEqual(field.color, nothing)
    assert.equal(mark.textDecorationLine, 'line-through')
  })

  it('shows how far a task is without its own colours', async () => {
    const page = await stage.open({ forcedColors: 'active' })
    await stage.server.submit({ prompt: 'in contrast', num_inference_steps: 50, num_images: 4 })
    const bar = taskOf(page, 'in contrast').locator('progress')
    await page.waitForFunction(() => Number(document.querySelector('.task progress')?.value) > 5)
    const { ink, colours } = await inkOf(page, bar)
    assert.ok(ink > 0.02 && colours >= 2, `a bar and its end: ${ink}, ${colours}`)
    await stage.server.cancelAll()
  })
}
