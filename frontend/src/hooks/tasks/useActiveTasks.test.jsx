import { QueryClientProvider } from '@tanstack/react-query'
import { act, renderHook, waitFor } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { makeTask } from '../../test/fakeServer.js'
import { makeWrapper } from '../../test/render.jsx'
import { createQueryClient } from '../server/queryClient.js'
import { useActiveTasks } from './useActiveTasks.js'

const setUp = () => renderHook(() => useActiveTasks(), { wrapper: makeWrapper() })
const ids = ({ result }) => result.current.tasks.map(({ id }) => id)

describe('useActiveTasks', () => {
  it("lists the server's queue before its own ended tasks, each once", async () => {
    window.localStorage.setItem('zimage.tasks', '["ended", "b"]')
    for (const id of ['a', 'b']) server.addTask(makeTask(id))
    const hook = setUp()
    await waitFor(() => expect(ids(hook)).toEqual(['a', 'b', 'ended']))
  })

  it('remembers and forgets', () => {
    const hook = setUp()
    act(() => hook.result.current.track(['x']))
    expect(window.localStorage.getItem('zimage.tasks')).toBe('["x"]')
    act(() => hook.result.current.forget('x'))
    expect(ids(hook)).toEqual([])
  })

  it('lets go of what is done when something new is asked for, and of nothing that can run again', () => {
    window.localStorage.setItem('zimage.tasks', '["done", "failed", "cancelled", "interrupted"]')
    const queryClient = createQueryClient()
    const wrapper = ({ children }) => <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>
    const { result } = renderHook(() => useActiveTasks(), { wrapper })
    for (const id of ['failed', 'cancelled', 'interrupted']) queryClient.setQueryData(['task', id], makeTask(id, { status: id }))
    queryClient.setQueryData(['task', 'done'], makeTask('done', { status: 'completed' }))
    act(() => result.current.track(['new']))
    expect(ids({ result })).toEqual(['failed', 'cancelled', 'interrupted', 'new'])
  })

  it.each(['7', '{"a":1}', '[1,null]'])('ignores a foreign memory %s', (stored) => {
    window.localStorage.setItem('zimage.tasks', stored)
    expect(ids(setUp())).toEqual([])
  })
})
