import { describe, expect, it } from 'vitest'

import { makeImage, makeTask, Refusal } from '../test/fakeServer.js'
import {
  API_BASE_URL,
  ApiError,
  cancelTask,
  fetchHistory,
  fetchLatestImage,
  fetchSystemStatus,
  fetchTask,
  fetchTasks,
  submitGeneration,
  TIMEOUT_MS,
} from './api.js'

const failure = (promise) => promise.then(() => null, (error) => error)

describe('the client', () => {
  it('calls its own origin and waits five minutes', () => {
    expect([API_BASE_URL, TIMEOUT_MS]).toEqual(['/api', 300_000])
  })

  it('submits and answers the task id', async () => {
    expect(await submitGeneration({ prompt: 'fox' })).toEqual({ task_id: 'task-1' })
    expect(server.bodiesOf('post', '/generate')).toEqual([{ prompt: 'fox' }])
  })

  it('escapes ids', async () => {
    await failure(fetchTask('../history'))
    expect(server.requests[0].path).toBe('/generate/..%2Fhistory')
  })

  it('cancels', async () => {
    server.addTask(makeTask('a'))
    expect(await cancelTask('a')).toMatchObject({ cancelling: true })
  })

  it('lists tasks and makes their pictures reachable', async () => {
    server.addTask(makeTask('a', { result: makeImage(1) }))
    const [task] = await fetchTasks()
    expect(task.result.download_url).toBe(`${window.location.origin}/api/download/${makeImage(1).id}`)
  })

  it('asks for a page by the names of the API', async () => {
    await fetchHistory({ page: 2, page_size: 20, q: 'fox' })
    expect(server.requests[0].params).toEqual({ page: 2, page_size: 20, q: 'fox' })
  })

  it('makes null of the missing latest picture', async () => expect(await fetchLatestImage()).toBeNull())

  it('stops when the signal says so', async () => {
    const controller = new AbortController()
    controller.abort()
    expect(await failure(fetchSystemStatus({ signal: controller.signal }))).not.toBeInstanceOf(ApiError)
  })
})

describe('ApiError', () => {
  it('carries what the server said', async () => {
    const fields = [{ field: 'width', message: 'Use 512.' }]
    server.overrides['post /generate'] = () => {
      throw new Refusal(422, 'validation_error', 'Not valid.', fields)
    }
    const error = await failure(submitGeneration({}))
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ status: 422, code: 'validation_error', message: 'Not valid.', fields })
    expect(error.unreachable).toBe(false)
  })

  it('knows a server that is down', async () => {
    server.down = true
    expect(await failure(fetchSystemStatus())).toMatchObject({ status: 0, code: 'network', unreachable: true })
  })

  it('refuses an answer that is not JSON', async () => {
    server.overrides['get /system/status'] = () => '<!doctype html>'
    expect(await failure(fetchSystemStatus())).toMatchObject({ code: 'bad_response', unreachable: true })
  })
})
