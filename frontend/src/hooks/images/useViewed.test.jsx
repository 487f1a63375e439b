import { act, renderHook } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { useViewed } from './useViewed.js'

const page = (...ids) => ids.map((id) => ({ id }))

function viewing(images) {
  const hook = renderHook(({ images }) => useViewed(images), { initialProps: { images } })
  return {
    get list() {
      return hook.result.current.list?.map(({ id }) => id) ?? null
    },
    view: (id) => act(() => hook.result.current.view(id)),
    leave: () => act(() => hook.result.current.leave()),
    show: (images) => hook.rerender({ images }),
  }
}

describe('the viewed image', () => {
  it('is none until one is clicked, and none after it is left', () => {
    const viewer = viewing(page('a', 'b'))
    expect(viewer.list).toBeNull()
    viewer.view('b')
    expect(viewer.list).toEqual(['a', 'b'])
    viewer.leave()
    expect(viewer.list).toBeNull()
  })

  it('is the one that was clicked, although the page is turned meanwhile', () => {
    const viewer = viewing(page('a', 'b'))
    viewer.view('a')
    viewer.show(page('c', 'd'))
    expect(viewer.list).toEqual(['a', 'b'])
    viewer.view('b') // The next one, in the list that is walked.
    expect(viewer.list).toEqual(['a', 'b'])
  })

  it('follows a gallery that grows', () => {
    const viewer = viewing(page('a', 'b'))
    viewer.view('a')
    viewer.show(page('new', 'a', 'b'))
    expect(viewer.list).toEqual(['new', 'a', 'b'])
  })

  it.each([[page('b')], [[]]])('closes when it is deleted', (left) => {
    const viewer = viewing(page('a', 'b').filter(({ id }) => id === 'a' || left.length))
    viewer.view('a')
    viewer.show(left)
    expect(viewer.list).toBeNull()
  })
})
