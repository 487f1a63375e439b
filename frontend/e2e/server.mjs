import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const START_LIMIT_MS = 180_000
const STOP_LIMIT_MS = 20_000

/** The Python that start.sh has made. */
export function defaultPython() {
  const name = process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']
  return path.join(ROOT, '.venv', ...name)
}

export const PYTHON = process.env.ZIMAGE_PYTHON || defaultPython()

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}

/**
 * The settings of this machine's own Z-Image, and models it may have, are none of the tests' business.
 *
 * One thread a server: suites run beside each other, and threads that wait for each other on a busy machine cost more
 * than they do.
 */
export function cleanEnvironment(folder, settings) {
  const foreign = (name) => name.startsWith('ZIMAGE_')
  const kept = Object.entries(process.env).filter(([name]) => !foreign(name))
  const own = { HF_HOME: path.join(folder, 'hub'), HF_HUB_OFFLINE: '1', PYTHONUTF8: '1', OMP_NUM_THREADS: '1' }
  return { ...Object.fromEntries(kept), ...own, ...settings }
}

/** The real server, on free ports, with a data folder of its own; `settings` are environment variables. */
export class Server {
  static async create(settings = {}) {
    const server = new Server()
    server.settings = settings
    server.folder = await mkdtemp(path.join(tmpdir(), 'zimage-e2e-'))
    server.port = await freePort()
    server.webPort = await freePort()
    server.url = `http://127.0.0.1:${server.webPort}`
    await server.start()
    return server
  }

  async start() {
    const data = path.join(this.folder, 'data')
    const options = ['--port', this.port, '--web-port', this.webPort, '--data-dir', data]
    this.output = ''
    this.process = spawn(PYTHON, ['-m', 'backend', ...options.map(String)], {
      cwd: ROOT,
      env: cleanEnvironment(this.folder, this.settings),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.process.on('error', (error) => (this.output += String(error)))
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on('data', (chunk) => (this.output = (this.output + chunk).slice(-8000)))
    }
    await this.#ready()
  }

  async #ready() {
    const limit = Date.now() + START_LIMIT_MS
    while (Date.now() < limit) {
      if (this.process.exitCode !== null || this.process.pid === undefined) break
      const answer = await fetch(`${this.url}/health`).catch(() => null)
      if (answer?.ok) return
      await sleep(200)
    }
    await this.kill()
    throw new Error(`the server did not start:\n${this.output}`)
  }

  /** Hangs: connections are taken, and nothing is answered. */
  freeze() {
    this.process.kill('SIGSTOP')
  }

  thaw() {
    this.process.kill('SIGCONT')
  }

  /** Ends the process as a power cut would. */
  async kill() {
    if (this.process.pid === undefined || this.process.exitCode !== null || this.process.signalCode) return
    const gone = once(this.process, 'exit')
    this.process.kill('SIGKILL')
    await Promise.race([gone, sleep(STOP_LIMIT_MS, undefined, { ref: false })])
  }

  async dispose() {
    await this.kill()
    await rm(this.folder, { recursive: true, force: true })
  }

  async get(route) {
    const answer = await fetch(`${this.url}/api${route}`)
    return answer.json()
  }

  /** Queues a picture past the browser; answers the task's id. */
  async submit(request) {
    const answer = await fetch(`${this.url}/api/generate`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ model: 'zimage-nano', width: 256, height: 256, num_inference_steps: 2, ...request }),
    })
    if (answer.status !== 202) throw new Error(`refused: ${await answer.text()}`)
    return (await answer.json()).task_id
  }

  /** Adds a picture file to the history, past the browser. */
  async import(file) {
    const body = new FormData()
    body.append('file', new Blob([file]), 'picture.png')
    const answer = await fetch(`${this.url}/api/history/import`, { method: 'POST', body })
    if (!answer.ok) throw new Error(`refused: ${await answer.text()}`)
  }

  /** Waits until nothing waits or runs any more. */
  async idle(limitMs = 120_000) {
    const limit = Date.now() + limitMs
    while ((await this.get('/generate')).tasks.length > 0) {
      if (Date.now() > limit) throw new Error('the queue did not empty')
      await sleep(100)
    }
  }

  async cancelAll() {
    for (const { task_id: id } of (await this.get('/generate')).tasks.reverse()) {
      await fetch(`${this.url}/api/generate/${id}`, { method: 'DELETE' })
    }
    await this.idle()
  }
}
