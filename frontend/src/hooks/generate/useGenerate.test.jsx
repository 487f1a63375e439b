import { act, renderHook, waitFor } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { Refusal } from '../../test/fakeServer.js'
import { makeWrapper } from '../../test/render.jsx'
import { useLogIn, useSession } from '../server/useSession.js'
import { useGenerate } from './useGenerate.js'

const REQUEST = { prompt: 'fox' }

function setUp() {
  const onSubmitted = vi.fn()
  const { result } = renderHook(() => useGenerate({ onSubmitted }), { wrapper: makeWrapper() })
  const generate = (...requests) => act(() => result.current(requests))
  const press = (...prompts) => act(() => Promise.allSettled(prompts.map((prompt) => result.current([{ prompt }]))))
  return { generate, press, onSubmitted }
}

const keys = () => server.attempts.filter(({ url }) => url === '/generate').filter(({ method }) => method === 'post').map(({ headers }) => headers['Idempotency-Key'])

describe('useGenerate', () => {
  it('answers the id and tells it', async () => {
    const { generate, onSubmitted } = setUp()
    expect(await generate(REQUEST)).toEqual(['task-1'])
    expect(onSubmitted).toHaveBeenCalledExactlyOnceWith(['task-1'])
  })

  it('takes each call, at once and in order, while the first is not answered yet', async () => {
    const { press, onSubmitted } = setUp()
    const all = await press('fox', 'fox', 'owl', 'cat')
    expect(all.map(({ value }) => value)).toEqual([['task-1'], ['task-2'], ['task-3'], ['task-4']])
    expect(server.bodiesOf('post', '/generate').map(({ prompt }) => prompt)).toEqual(['fox', 'fox', 'owl', 'cat'])
    expect(onSubmitted).toHaveBeenCalledTimes(4)
    expect(new Set(keys()).size).toBe(4)
  })

  it('goes on after a refusal with what was pressed later', async () => {
    const { press } = setUp()
    server.overrides['post /generate'] = ({ body }) => {
      if (body.prompt === 'fox') throw new Refusal(429, 'queue_full')
      return { task_id: body.prompt }
    }
    const [fox, owl] = await press('fox', 'owl')
    expect(fox.reason).toMatchObject({ code: 'queue_full' })
    expect(owl.value).toEqual(['owl'])
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
    const [first, ...others] = keys()
    expect(first).toMatch(/^[0-9a-f]{32}$/)
    expect(others).toEqual([first])
  })

  it('goes on trying for as long as there is no answer', async () => {
    vi.useFakeTimers()
    const { generate } = setUp()
    server.down = true
    const revive = async () => {
      await vi.advanceTimersByTimeAsync(60_000)
      server.down = false
      await vi.advanceTimersByTimeAsync(5000)
    }
    const [answer] = await Promise.all([generate(REQUEST), revive()])
    expect(answer).toEqual(['task-1'])
    vi.useRealTimers()
    expect(keys().length).toBeGreaterThan(5)
    expect(new Set(keys()).size).toBe(1)
  })

  it('is refused by a server that takes nothing more', async () => {
    const { generate } = setUp()
    server.overrides['post /generate'] = () => {
      throw new Refusal(503, 'draining')
    }
    await expect(generate(REQUEST)).rejects.toMatchObject({ code: 'draining' })
  })

  it('waits for whoever has to log in again', async () => {
    const useAll = () => ({ generate: useGenerate({ onSubmitted: vi.fn() }), session: useSession(), logIn: useLogIn().mutate })
    const { result } = renderHook(useAll, { wrapper: makeWrapper() })
    await waitFor(() => expect(result.current.session.state).toBe('open'))
    server.token = 'open sesame'
    const answer = result.current.generate([REQUEST])
    await waitFor(() => expect(result.current.session.state).toBe('closed'))
    expect(server.tasks.size).toBe(0)
    act(() => result.current.logIn('open sesame'))
    expect(await answer).toEqual(['task-1'])
    expect(new Set(keys()).size).toBe(1)
  })
})
