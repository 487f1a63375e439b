import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

import { cleanEnvironment, PYTHON, ROOT } from './server.mjs'

const START_LIMIT_MS = 120_000
const STOP_LIMIT_MS = 30_000
const MODULE = 'tests.backend.services.tasks.executors.ray.simulated'

/** A Ray cluster of a head and some machines, all of them on this one. */
export class Cluster {
  static async create(machines) {
    const cluster = new Cluster()
    cluster.process = spawn(PYTHON, ['-m', MODULE, String(machines)], {
      cwd: ROOT,
      env: { ...cleanEnvironment(process.cwd(), {}), PYTHONPATH: ROOT },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let errors = ''
    cluster.process.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-8000)))
    cluster.address = await Promise.race([
      cluster.#address(),
      once(cluster.process, 'exit').then(() => Promise.reject(new Error(`no cluster:\n${errors}`))),
      sleep(START_LIMIT_MS, undefined, { ref: false }).then(() => Promise.reject(new Error(`no cluster in time:\n${errors}`))),
    ])
    return cluster
  }

  async #address() {
    for await (const line of createInterface({ input: this.process.stdout })) {
      if (/^[\d.]+:\d+$/.test(line)) return line
    }
    return new Promise(() => {})
  }

  /** Ends it in order: what it has started ends with it. */
  async dispose() {
    if (this.process.exitCode !== null) return
    const gone = once(this.process, 'exit')
    this.process.stdin.end()
    await Promise.race([gone, sleep(STOP_LIMIT_MS, undefined, { ref: false })])
    this.process.kill('SIGKILL')
  }
}
