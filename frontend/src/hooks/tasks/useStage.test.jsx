import { act, renderHook } from '@testing-library/react'
import { beforeEach, describe, expect, it } from 'vitest'

import { stubImages } from '../../test/fakeImages.js'
import { makeImage, makeTask } from '../../test/fakeServer.js'
import { makeWrapper } from '../../test/render.jsx'
import { useStage } from './useStage.js'

let loading
beforeEach(() => {
  loading = stubImages()
})

const load = (part) => act(() => loading.findLast(({ src }) => src.includes(part)).onload())
const tasksOf = (...tasks) => tasks.map((task) => ({ id: task.task_id, listed: task }))
const latestOf = (number, dataUpdatedAt) => ({ data: makeImage(number), dataUpdatedAt })

function setUp() {
  const initialProps = { tasks: tasksOf(makeTask('a', { preview_seq: 1 })), latest: latestOf(1, 1) }
  const view = renderHook(({ tasks, latest }) => useStage(tasks, latest), { initialProps, wrapper: makeWrapper() })
  return { ...view, onStage: () => view.result.current.task?.task_id }
}

describe('useStage', () => {
  it('belongs to the running task from its first preview until its picture is here', () => {
    const { rerender, onStage, result } = setUp()
    expect(onStage()).toBeUndefined()
    load('seq=1')
    expect(onStage()).toBe('a')
    rerender({ tasks: [], latest: latestOf(1, 1) })
    expect([onStage(), result.current.running]).toEqual(['a', undefined])
    rerender({ tasks: [], latest: latestOf(2, 2) })
    expect(onStage()).toBe('a')
    load(makeImage(2).download_url)
    expect([onStage(), result.current.preview]).toEqual([undefined, null])
  })

  it('is left by a task of which no picture came', () => {
    const { rerender, onStage } = setUp()
    load('seq=1')
    rerender({ tasks: [], latest: latestOf(1, 1) })
    rerender({ tasks: [], latest: latestOf(1, 2) })
    expect(onStage()).toBeUndefined()
  })
})
