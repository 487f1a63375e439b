import { act, renderHook } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { Refusal } from '../test/fakeServer.js'
import { makeWrapper } from '../test/render.jsx'
import { useGenerate } from './useGenerate.js'

const REQUEST = { prompt: 'fox' }

function setUp() {
  const onSubmitted = vi.fn()
  const { result } = renderHook(() => useGenerate({ onSubmitted }), { wrapper: makeWrapper() })
  const generate = (request) => act(() => result.current.generate(request))
  return { generate, onSubmitted }
}

describe('useGenerate', () => {
  it('answers the id and tells it', async () => {
    const { generate, onSubmitted } = setUp()
    expect(await generate(REQUEST)).toBe('task-1')
    expect(onSubmitted).toHaveBeenCalledExactlyOnceWith('task-1')
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
    expect(await generate({ prompt: 'owl' })).toBe('task-2')
  })

  it('lets a refused request be tried again at once', async () => {
    const { generate } = setUp()
    server.overrides['post /generate'] = () => {
      throw new Refusal(429, 'queue_full')
    }
    await expect(generate(REQUEST)).rejects.toMatchObject({ code: 'queue_full' })
    server.overrides = {}
    expect(await generate(REQUEST)).toBe('task-1')
  })
})
