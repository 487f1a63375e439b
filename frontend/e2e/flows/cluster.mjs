import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'

import { Cluster } from '../cluster.mjs'
import { Server } from '../server.mjs'
import { endOf, generate, QUICK, seen, submitOf, taskOf } from '../stage.mjs'

const MACHINES = 3
const PICTURES = 6

/** The studio in front of a cluster of three machines, which have no card. */
export function cluster(stage) {
  let machines
  let server
  before(async () => {
    machines = await Cluster.create(MACHINES - 1)
    server = await Server.create({
      ZIMAGE_EXECUTOR: 'ray',
      ZIMAGE_RAY_ADDRESS: machines.address,
      ZIMAGE_RAY_CPU_NODES: '1',
    })
    await ready(server)
  })
  after(async () => {
    await server?.dispose()
    await machines?.dispose()
  })

  it('draws the pictures of one task on three machines, the same ones as here and in the same order', async () => {
    const settings = { ...QUICK, num_inference_steps: 9, num_images: PICTURES, use_gpu: false }
    const page = await stage.open({ url: server.url, settings })
    await seen(submitOf(page))
    const prompt = 'a red fox of many machines'
    await generate(page, prompt)
    await seen(taskOf(page, prompt).getByText(/at once · on .+, .+/))
    await seen(endOf(page, 'completed', prompt))

    const there = await drawn(server, prompt)
    const [{ seed }] = there
    assert.deepEqual(there.map((image) => image.seed), Array.from({ length: PICTURES }, (_, index) => seed + index))
    await stage.server.submit({ ...settings, prompt, seed })
    await stage.server.idle()
    const here = await drawn(stage.server, prompt)
    assert.deepEqual(there.map(({ pixel_hash: hash }) => hash), here.map(({ pixel_hash: hash }) => hash))
    const { workers } = await server.get('/system/status')
    assert.deepEqual(workers.map(({ model }) => model), Array(MACHINES).fill('zimage-nano'), 'all of them have drawn')
  })
}

async function ready(server) {
  const limit = Date.now() + 120_000
  while ((await server.get('/system/status')).workers.filter(({ state }) => state === 'idle').length < MACHINES) {
    assert.ok(Date.now() < limit, 'the workers did not come')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** The pictures of the newest task with a prompt, as the task lists them. */
async function drawn(server, prompt) {
  const { tasks } = await server.get('/generate?finished=true')
  return tasks.find(({ request }) => request.prompt === prompt).images
}
