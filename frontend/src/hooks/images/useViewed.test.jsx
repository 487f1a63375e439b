import { act, renderHook, screen, waitFor } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { makeImage } from '../../test/fakeServer.js'
import { makeWrapper } from '../../test/render.jsx'
import { useViewed } from './useViewed.js'

const [a, b, c, d] = [1, 2, 3, 4].map((number) => makeImage(number))
const GONE = 'This picture was deleted elsewhere: in another window, or by another program.'

function viewing(images, trash) {
  server.images = [a, b, c, d]
  const hook = renderHook(({ images }) => useViewed(images, trash), { initialProps: { images }, wrapper: makeWrapper() })
  return {
    get list() {
      return hook.result.current.list
    },
    view: ({ id }) => act(() => hook.result.current.view(id)),
    leave: () => act(() => hook.result.current.leave()),
    show: (images) => hook.rerender({ images }),
  }
}

const asked = () => waitFor(() => expect(server.requests.some(({ method }) => method === 'patch')).toBe(true))

describe('the viewed image', () => {
  it('is none until one is clicked, and none after it is left', () => {
    const viewer = viewing([a, b])
    expect(viewer.list).toBeNull()
    viewer.view(b)
    expect(viewer.list).toEqual([a, b])
    viewer.leave()
    expect(viewer.list).toBeNull()
  })

  it.each([
    ['the page is turned meanwhile', [c, d]],
    ['a newer one pushes it off its page', [b]],
    ['a filter does not fit it any more', []],
  ])('is the one that was clicked, although %s', async (_why, images) => {
    const viewer = viewing([a, b])
    viewer.view(a)
    viewer.show(images)
    await asked()
    expect(viewer.list).toEqual([a, b])
    expect(screen.queryByText(GONE)).not.toBeInTheDocument()
    viewer.view(b) // The next one, in the list that is walked.
    expect(viewer.list).toContain(b)
  })

  it('follows a gallery that grows', () => {
    const viewer = viewing([a, b])
    viewer.view(a)
    viewer.show([c, a, b])
    expect(viewer.list).toEqual([c, a, b])
  })

  it.each([
    ['moved to the trash', () => server.change([a.id], () => ({ deleted_at: '2026-03-02T12:00:00Z' })), [b]],
    ['deleted for good', () => (server.images = [b]), [b]],
    ['deleted as the last one', () => (server.images = []), []],
  ])('closes when it is %s elsewhere, and says so', async (_how, remove, left) => {
    const viewer = viewing([a, b])
    viewer.view(a)
    remove()
    viewer.show(left)
    expect(await screen.findAllByText(GONE)).not.toHaveLength(0)
    await waitFor(() => expect(viewer.list).toBeNull())
  })

  it('closes when it is out of the trash, and says that', async () => {
    const viewer = viewing([a, b], true)
    viewer.view(a)
    viewer.show([b])
    expect(await screen.findAllByText('This picture is out of the trash again.')).not.toHaveLength(0)
    await waitFor(() => expect(viewer.list).toBeNull())
  })
})
