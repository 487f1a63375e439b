import { describe, expect, it } from 'vitest'

import { makeImage, makeTask } from '../test/fakeServer.js'
import { canRetry, changesOf, isLoadingModel, isTerminal } from './tasks.js'

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

describe('canRetry', () => {
  it('offers failed work again', () => expect(canRetry(makeTask('a', { status: 'interrupted' }))).toBe(true))
  it('does not offer completed work', () => expect(canRetry(makeTask('a', { status: 'completed' }))).toBe(false))
})

describe('changesOf', () => {
  it('says the device and the size that were really used', () => {
    const task = makeTask('a', { status: 'completed', result: makeImage(1, { width: 480, height: 320 }) })
    expect(changesOf(task).map(({ key }) => key)).toEqual(['task.usedCpu', 'task.resized'])
  })

  it('is silent when nothing changed', () => {
    const task = makeTask('a', { status: 'completed', result: makeImage(1, { use_gpu: true }) })
    expect(changesOf(task)).toEqual([])
  })
})
