import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import process from 'node:process'

import { chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A name of a machine elsewhere, for what browsers allow to this one only.
  '--host-resolver-rules=MAP studio.test 127.0.0.1',
]

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The Chromium that CHROMIUM_PATH names, else the first on the PATH, else undefined. */
export function findChromium() {
  if (process.env.CHROMIUM_PATH) return process.env.CHROMIUM_PATH
  const folders = (process.env.PATH ?? '').split(path.delimiter)
  return NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name))).find(isExecutable)
}

export function launchBrowser(executablePath) {
  return chromium.launch({ executablePath, headless: true, args: FLAGS })
}

/** Said by Playwright where a test does without the service worker. */
const WORKER_NOISE = /registration blocked by Playwright/

/**
 * A page of a fresh browser profile. `page.complaints` collects what the console says against us.
 *
 * The service worker is left out: it would load every file of the page for each test anew.
 */
export async function openPage(browser, url, options = {}) {
  const defaults = { locale: 'en-US', viewport: { width: 1280, height: 900 }, serviceWorkers: 'block' }
  const { settings, ...context } = { ...defaults, ...options }
  const profile = await browser.newContext(context)
  if (settings) {
    // Only where nothing is stored yet: a reload keeps what the person typed.
    await profile.addInitScript((stored) => {
      if (localStorage.getItem('zimage.settings') === null) localStorage.setItem('zimage.settings', stored)
    }, JSON.stringify(settings))
  }
  const page = await profile.newPage()
  page.complaints = []
  page.on('pageerror', (error) => page.complaints.push(String(error)))
  page.on('console', (message) => {
    const matters = ['error', 'warning'].includes(message.type()) && !WORKER_NOISE.test(message.text())
    if (matters) page.complaints.push(message.text())
  })
  await page.goto(url)
  return page
}
