import { act, renderHook } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { Refusal } from '../../test/fakeServer.js'
import { makeWrapper } from '../../test/render.jsx'
import { useGenerate } from './useGenerate.js'

const REQUEST = { prompt: 'fox' }

function setUp() {
  const onSubmitted = vi.fn()
  const { result } = renderHook(() => useGenerate({ onSubmitted }), { wrapper: makeWrapper() })
  const generate = (...requests) => act(() => result.current.generate(requests))
  return { generate, onSubmitted }
}

describe('useGenerate', () => {
  it('answers the id and tells it', async () => {
    const { generate, onSubmitted } = setUp()
    expect(await generate(REQUEST)).toEqual(['task-1'])
    expect(onSubmitted).toHaveBeenCalledExactlyOnceWith(['task-1'])
  })

  it('takes the same request once in a moment', async () => {
    const { generate } = setUp()
    await generate(REQUEST)
    expect(await generate(REQUEST)).toBeNull()
    expect(server.tasks.size).toBe(1)
  })

  it('takes another request at once', async () => {
    const { generate } = setUp()
    await generate(REQUEST)
    expect(await generate({ prompt: 'owl' })).toEqual(['task-2'])
  })

  it('lets a refused request be tried again at once', async () => {
    const { generate } = setUp()
    server.overrides['post /generate'] = () => {
      throw new Refusal(429, 'queue_full')
    }
    await expect(generate(REQUEST)).rejects.toMatchObject({ code: 'queue_full' })
    server.overrides = {}
    expect(await generate(REQUEST)).toEqual(['task-1'])
  })

  it('keeps what was accepted before a refusal, and says how much', async () => {
    const { generate, onSubmitted } = setUp()
    server.overrides['post /generate'] = ({ body }) => {
      if (body.prompt === 'owl') throw new Refusal(429, 'queue_full')
      return { task_id: 'first' }
    }
    await expect(generate(REQUEST, { prompt: 'owl' })).rejects.toMatchObject({ code: 'queue_full', accepted: 1 })
    expect(onSubmitted).toHaveBeenCalledExactlyOnceWith(['first'])
  })

  it('sends a request that got no answer again, by the same key', async () => {
    vi.useFakeTimers()
    const { generate } = setUp()
    server.down = true
    const revive = async () => {
      await vi.advanceTimersByTimeAsync(500)
      server.down = false
      await vi.advanceTimersByTimeAsync(1000)
    }
    const [answer] = await Promise.all([generate(REQUEST), revive()])
    expect(answer).toEqual(['task-1'])
    vi.useRealTimers()
    const keys = server.attempts.filter(({ method }) => method === 'post').map(({ headers }) => headers['Idempotency-Key'])
    expect(keys).toHaveLength(2)
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/)
    expect(keys[1]).toBe(keys[0])
  })
})
