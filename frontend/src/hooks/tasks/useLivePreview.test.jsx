import { act, renderHook } from '@testing-library/react'
import { beforeEach, describe, expect, it } from 'vitest'

import { stubImages } from '../../test/fakeImages.js'
import { makeTask } from '../../test/fakeServer.js'
import { useLivePreview } from './useLivePreview.js'

let loading
beforeEach(() => {
  loading = stubImages()
})

const setUp = (task) => renderHook((props) => useLivePreview(props.task), { initialProps: { task } })

describe('useLivePreview', () => {
  it('shows a preview when its bytes are here, and that one until the next is', () => {
    const { result, rerender } = setUp(makeTask('a', { preview_seq: 1 }))
    expect(result.current).toBeNull()
    act(() => loading[0].onload())
    expect(result.current).toMatchObject({ url: '/api/generate/a/preview?seq=1', width: 512, prompt: 'prompt of a' })
    rerender({ task: makeTask('a', { preview_seq: 2 }) })
    expect(result.current.url).toMatch(/seq=1$/)
    act(() => loading[1].onload())
    expect(result.current.url).toMatch(/seq=2$/)
  })

  it('is never behind for ever where previews come faster than they load, and skips those in between', () => {
    const { result, rerender } = setUp(makeTask('a', { preview_seq: 1 }))
    for (const seq of [2, 3]) rerender({ task: makeTask('a', { preview_seq: seq }) })
    act(() => loading[0].onload())
    expect(result.current.url).toMatch(/seq=1$/)
    expect(loading.map(({ src }) => src.at(-1))).toEqual(['1', '3'])
    act(() => loading[1].onerror())
    rerender({ task: makeTask('a', { preview_seq: 4 }) })
    act(() => loading[2].onload())
    expect(result.current.url).toMatch(/seq=4$/)
  })

  it('never shows the picture of the task before', () => {
    const { result, rerender } = setUp(makeTask('a', { preview_seq: 1 }))
    act(() => loading[0].onload())
    rerender({ task: makeTask('b', { preview_seq: 1 }) })
    expect(result.current).toBeNull()
    act(() => loading[1].onload())
    expect(result.current.url).toMatch(/\/b\/preview/)
  })

  it.each([
    ['nothing runs', undefined],
    ['there is none', makeTask('a')],
    ['it has ended', makeTask('a', { preview_seq: 3, status: 'completed' })],
  ])('is silent while %s', (_what, task) => {
    expect(setUp(task).result.current).toBeNull()
    expect(loading).toEqual([])
  })
})
