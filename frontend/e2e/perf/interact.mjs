const SETTLE_MS = 1000

/** What a person does, by name. */
const ACTS = {
  focus: (page) => page.locator('textarea.prompt').click(),
  type: (page) => page.keyboard.type('a red fox on a blue background', { delay: 40 }),
  slider: (page) => page.getByRole('slider', { name: 'Steps' }).press('ArrowRight'),
  size: (page) => page.getByRole('combobox', { name: 'Size' }).selectOption({ index: 1 }),
  simple: (page) => page.getByRole('button', { name: 'Simple' }).click(),
  advanced: (page) => page.getByRole('button', { name: 'Advanced' }).click(),
  favourite: async (page) => {
    await page.locator('.card-item').first().hover()
    await page.locator('.card-heart').first().click()
  },
  turn: (page) => page.getByRole('button', { name: 'Older' }).click(),
  enlarge: (page) => page.locator('.stage').click(),
  close: async (page) => {
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
  },
  theme: (page) => page.getByRole('button', { name: 'Dark' }).click(),
  language: (page) => page.getByRole('button', { name: '中文' }).click(),
}

/** The slowest interaction of each act, in ms; 0 where it was faster than the browser tells. */
export async function measureInteractions(page) {
  const slowest = {}
  for (const [name, act] of Object.entries(ACTS)) {
    await page.evaluate(() => (window.measured.interactions = []))
    await act(page)
    await page.waitForTimeout(SETTLE_MS)
    slowest[name] = await page.evaluate(() => Math.max(0, ...window.measured.interactions.map(([duration]) => duration)))
  }
  return slowest
}

/** What moves while a picture is drawn and arrives. */
export async function measureArrival(page) {
  await page.locator('textarea.prompt').fill('to arrive')
  await page.waitForTimeout(SETTLE_MS)
  await page.evaluate(() => Object.assign(window.measured, { shift: 0, shifts: [] }))
  await page.keyboard.press('Control+Enter')
  await page.waitForFunction(() => document.querySelector('.stage-image')?.alt === 'to arrive', null, { timeout: 120_000 })
  await page.waitForTimeout(SETTLE_MS)
  const { shift, shifts } = await page.evaluate(() => window.measured)
  return { layoutShift: Number(shift.toFixed(4)), shifted: shifts }
}
