import { describe, expect, it } from 'vitest'

import { makeImage, makeTask } from '../test/fakeServer.js'
import { canRetry, changesOf, drawingTime, isLoadingModel, isTerminal } from './tasks.js'

describe('isTerminal', () => {
  it.each(['completed', 'failed', 'cancelled', 'interrupted'])('%s is an end', (status) =>
    expect(isTerminal({ status })).toBe(true),
  )
  it.each(['pending', 'processing', undefined])('%s is not', (status) => expect(isTerminal({ status })).toBe(false))
})

describe('isLoadingModel', () => {
  it('reads the message of a running task', () => {
    expect(isLoadingModel(makeTask('a', { message: 'Loading zimage-nano' }))).toBe(true)
    expect(isLoadingModel(makeTask('a', { message: 'Step 1 of 9' }))).toBe(false)
  })
})

describe('drawingTime', () => {
  const at = (second, ms) => ({ created_at: `2026-01-02T03:04:0${second}Z`, generation_time_ms: ms })
  it('adds up what was drawn one after the other', () => expect(drawingTime([at(2, 1000), at(5, 2000)])).toBe(3000))
  it('counts once what was drawn at once', () => expect(drawingTime([at(5, 3000), at(4, 3000)])).toBe(4000))
})

describe('canRetry', () => {
  it('offers failed work again', () => expect(canRetry(makeTask('a', { status: 'interrupted' }))).toBe(true))
  it('does not offer completed work', () => expect(canRetry(makeTask('a', { status: 'completed' }))).toBe(false))
})

describe('changesOf', () => {
  it('says the device and the size that were really used', () => {
    const task = makeTask('a', { status: 'completed', result: makeImage(1, { width: 480, height: 320 }) })
    expect(changesOf(task).map(({ key }) => key)).toEqual(['task.usedCpu', 'task.resized'])
  })

  it('says nothing of a device that there is not, nor of a size that was left open', () => {
    const task = makeTask('a', { status: 'completed', result: makeImage(1, { width: 480, height: 320 }) })
    const open = { ...task, request: { ...task.request, width: undefined, height: null } }
    expect(changesOf(task, false).map(({ key }) => key)).toEqual(['task.resized'])
    expect(changesOf(open, null).map(({ key }) => key)).toEqual(['task.usedCpu'])
    expect(changesOf(open, false)).toEqual([])
  })

  it('is silent when nothing changed', () => {
    const task = makeTask('a', { status: 'completed', result: makeImage(1, { use_gpu: true }) })
    expect(changesOf(task)).toEqual([])
  })
})
