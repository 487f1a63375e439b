import { focusManager } from '@tanstack/react-query'
import { act, renderHook } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { makeTask } from '../../test/fakeServer.js'
import { makeWrapper } from '../../test/render.jsx'
import { useSystemStatus } from '../server/useSystemStatus.js'
import { useTask } from './useTask.js'

const pass = (ms) => act(() => vi.advanceTimersByTimeAsync(ms))
const asked = (path) => server.bodiesOf('get', path).length

beforeEach(() => vi.useFakeTimers())

afterEach(() => {
  vi.useRealTimers()
  focusManager.setFocused(undefined)
})

describe('the system status', () => {
  it('is asked for every five seconds', async () => {
    renderHook(() => useSystemStatus(), { wrapper: makeWrapper() })
    await pass(10_100)
    expect(asked('/system/status')).toBe(3)
  })

  it('is left alone in a hidden tab', async () => {
    renderHook(() => useSystemStatus(), { wrapper: makeWrapper() })
    await pass(100)
    focusManager.setFocused(false)
    await pass(60_000)
    expect(asked('/system/status')).toBe(1)
    focusManager.setFocused(true)
    await pass(100)
    expect(asked('/system/status')).toBe(2)
  })
})

describe('a task', () => {
  it('is asked for every half second while it runs, and never again when it has ended', async () => {
    server.addTask(makeTask('a'))
    renderHook(() => useTask('a'), { wrapper: makeWrapper() })
    await pass(1100)
    expect(asked('/generate/a')).toBe(3)
    server.addTask(makeTask('a', { status: 'completed' }))
    await pass(500)
    const whenEnded = asked('/generate/a')
    await pass(60_000)
    expect(asked('/generate/a')).toBe(whenEnded)
  })

  it('is not asked for when the server does not know it', async () => {
    renderHook(() => useTask('gone'), { wrapper: makeWrapper() })
    await pass(60_000)
    expect(asked('/generate/gone')).toBe(1)
  })
})
