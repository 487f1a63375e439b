import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import http from 'node:http'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { build } from 'vite'

import { colourPng } from './png.mjs'

const ROOT = fileURLToPath(new URL('canvas/', import.meta.url))
const OUTPUT = fileURLToPath(new URL('output/canvas/', import.meta.url))
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }
/** As backend/api/middleware/headers.py has it for the studio. */
const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; " +
  "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
const PICTURE = /^\/(other-)?picture-(\d+)x(\d+)\.png$/

/** A sky, hills and a sun, so that a screenshot shows something; the other one at night. */
function landscape(width, height, isNight) {
  return colourPng(width, height, (x, y) => {
    const [across, down] = [x / width, y / height]
    const hill = 0.62 + 0.1 * Math.sin(across * 7) + 0.03 * Math.sin(across * 23)
    const sun = Math.hypot((across - 0.72) * width, (down - 0.3) * height) < 0.1 * width
    const day = sun ? [252, 214, 112] : down > hill ? [70 + 60 * down, 120 - 40 * down, 80] : [120 + 90 * down, 170 + 40 * down, 225]
    return day.map((channel, index) => Math.round(isNight ? channel * [0.3, 0.35, 0.6][index] : channel))
  })
}

/** The page with the canvas alone, built as the studio is, under the studio's content security policy. */
export class CanvasPage {
  static async create() {
    await build({
      root: ROOT,
      configFile: fileURLToPath(new URL('canvas/vite.config.js', import.meta.url)),
      logLevel: 'error',
      build: { outDir: OUTPUT, emptyOutDir: true },
    })
    const page = new CanvasPage()
    page.server = http.createServer((request, answer) => page.#answer(request, answer)).listen(0, '127.0.0.1')
    await once(page.server, 'listening')
    page.url = `http://127.0.0.1:${page.server.address().port}/`
    return page
  }

  async #answer(request, answer) {
    const name = new URL(request.url, this.url).pathname
    const picture = PICTURE.exec(name)
    if (picture) {
      answer.writeHead(200, { 'content-type': 'image/png' }).end(landscape(Number(picture[2]), Number(picture[3]), Boolean(picture[1])))
      return
    }
    const file = path.join(OUTPUT, name === '/' ? 'index.html' : path.normalize(name))
    const body = await readFile(file).catch(() => null)
    const headers = { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream', 'content-security-policy': POLICY }
    answer.writeHead(body ? 200 : 404, headers).end(body ?? '')
  }

  dispose() {
    this.server.closeAllConnections()
    this.server.close()
  }
}
