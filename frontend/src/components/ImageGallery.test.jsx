import { screen, waitFor, within } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { makeImage, Refusal } from '../test/fakeServer.js'
import { renderWith } from '../test/render.jsx'
import ImageGallery from './ImageGallery.jsx'

const pictures = (count) => Array.from({ length: count }, (_, index) => makeImage(count - index))

describe('ImageGallery', () => {
  it('teaches while it is empty', async () => {
    renderWith(<ImageGallery />)
    expect(await screen.findByText('No pictures yet')).toBeInTheDocument()
  })

  it('shows thumbnails that load late and keep their room', async () => {
    server.images = [makeImage(1, { width: 1536, height: 1024 })]
    renderWith(<ImageGallery />)
    const thumbnail = await screen.findByRole('img', { name: 'picture 1' })
    expect(thumbnail).toHaveAttribute('loading', 'lazy')
    expect(thumbnail).toHaveAttribute('width', '384')
    expect(thumbnail).toHaveAttribute('height', '256')
    expect(screen.getByText('1 picture')).toBeInTheDocument()
  })

  it('turns pages of twenty, newest first, in the address', async () => {
    server.images = pictures(45)
    const { user } = renderWith(<ImageGallery />)
    expect(await screen.findByText('Page 1 of 3')).toBeInTheDocument()
    expect(await screen.findAllByRole('img')).toHaveLength(20)
    expect(screen.getAllByRole('img')[0]).toHaveAccessibleName('picture 45')
    await user.click(screen.getByRole('button', { name: 'Older' }))
    expect(await screen.findByRole('img', { name: 'picture 25' })).toBeInTheDocument()
    expect(window.location.search).toBe('?page=2')
    window.history.replaceState(null, '', '/')
    window.dispatchEvent(new PopStateEvent('popstate'))
    expect(await screen.findByRole('img', { name: 'picture 45' })).toBeInTheDocument()
  })

  it('finds the way back from a page that is not there', async () => {
    window.history.replaceState(null, '', '/?page=9')
    server.images = pictures(1)
    const { user } = renderWith(<ImageGallery />)
    await user.click(await screen.findByRole('button', { name: 'Go to the first page' }))
    expect(await screen.findByRole('img', { name: 'picture 1' })).toBeInTheDocument()
  })

  it('packs pictures under the wanted names', async () => {
    window.localStorage.setItem('zimage.preferences', JSON.stringify({ pattern: 'fox {seed}' }))
    vi.stubGlobal('URL', Object.assign(class extends URL {}, { createObjectURL: () => '#', revokeObjectURL: () => {} }))
    server.images = pictures(2)
    const { user } = renderWith(<ImageGallery />)
    await user.click(await screen.findByRole('checkbox', { name: 'Choose: picture 2' }))
    await user.click(await screen.findByRole('button', { name: 'Download zip' }))
    const [{ id }] = server.images
    await waitFor(() => expect(server.bodiesOf('post', '/history/export')).toEqual([{ ids: [id], names: { [id]: 'fox 102.png' } }]))
    vi.unstubAllGlobals()
  })

  it('chooses all that the filters find, on other pages too, and changes them in parts', async () => {
    server.images = [...pictures(2210), makeImage(9000, { prompt: 'another' })]
    const { user } = renderWith(<ImageGallery />)
    await user.type(screen.getByRole('searchbox'), 'picture')
    await user.click(await screen.findByRole('checkbox', { name: 'Choose: picture 2210' }))
    await user.click(await screen.findByRole('button', { name: 'Choose all 2,210 that match' }))
    expect(await screen.findByText('2210 chosen')).toBeInTheDocument()
    await user.click(within(await screen.findByRole('toolbar')).getByRole('button', { name: 'Delete' }))
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('2210 pictures moved to the trash.'))
    expect(server.bodiesOf('post', '/history/bulk').map(({ ids }) => ids.length)).toEqual([1000, 1000, 210])
    expect(server.images.filter((image) => !image.deleted_at).map(({ prompt }) => prompt)).toEqual(['another'])
  })

  it('empties the trash, whatever the filters show of it, after a question', async () => {
    server.images = [...pictures(25).map((image) => ({ ...image, deleted_at: '2026-03-02T12:00:00Z' })), makeImage(99)]
    window.localStorage.setItem('zimage.preferences', JSON.stringify({ ask_purge: false }))
    window.history.replaceState(null, '', '/?trash=1&q=picture+2')
    const { user } = renderWith(<ImageGallery />)
    await user.click(await screen.findByRole('button', { name: 'Empty the trash' }))
    const dialog = await screen.findByRole('dialog', { name: 'Delete 25 pictures for good?' })
    await user.click(within(dialog).getByRole('button', { name: 'Delete for good' }))
    await waitFor(() => expect(server.images.map(({ id }) => id)).toEqual([makeImage(99).id]))
  })

  it('offers the tags of the pictures at hand', async () => {
    server.images = [makeImage(2, { tags: ['red', 'fox'] }), makeImage(1, { tags: ['fox'] })]
    const { user, container } = renderWith(<ImageGallery />)
    await screen.findByRole('img', { name: 'picture 1' })
    await user.click(screen.getByRole('button', { name: 'More filters' }))
    await user.click(screen.getByRole('combobox', { name: 'Tag' }))
    expect([...container.querySelectorAll('datalist option')].map(({ value }) => value)).toEqual(['fox', 'red'])
  })

  it('clears the search by Esc, and chooses none wherever the focus is', async () => {
    server.images = pictures(2)
    const onEscape = vi.fn((event) => event.defaultPrevented)
    const { user } = renderWith(<ImageGallery />)
    window.addEventListener('keydown', onEscape)
    await user.click(await screen.findByRole('checkbox', { name: 'Choose: picture 2' }))
    await user.type(screen.getByRole('searchbox'), 'pic')
    onEscape.mockClear()
    await user.keyboard('{Escape}')
    expect(screen.getByRole('searchbox')).toHaveValue('')
    expect(await screen.findByText('1 chosen')).toBeInTheDocument()
    await user.keyboard('{Escape}')
    expect(screen.queryByText('1 chosen')).not.toBeInTheDocument()
    expect(onEscape.mock.results.map(({ value }) => value)).toEqual([true, true])
    window.removeEventListener('keydown', onEscape)
  })

  it('knows the same keys in the large view as on a card', async () => {
    server.images = pictures(3)
    const [onReuse, onVary, saved] = [vi.fn(), vi.fn(), vi.fn()]
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function click() {
      saved(this.download)
    })
    const { user } = renderWith(<ImageGallery onReuse={onReuse} onVary={onVary} />)
    const open = async () => {
      await user.click(await screen.findByRole('button', { name: 'View: picture 3' }))
      await screen.findByRole('dialog', { name: 'Picture 1 of 3' })
    }
    const closed = () => waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument())
    await open()
    await user.keyboard('d')
    expect(saved.mock.calls).toEqual([[makeImage(3).filename]])
    await user.keyboard('v')
    expect(onVary).toHaveBeenCalledOnce()
    await user.keyboard('u')
    await closed()
    await open()
    await user.keyboard('s')
    await closed()
    expect(onReuse.mock.calls.map(([{ id }, part]) => [id, part])).toEqual([[makeImage(3).id, undefined], [makeImage(3).id, 'seed']])
    await open()
    await user.keyboard('c')
    expect(await screen.findByRole('dialog', { name: 'Compare' })).toBeInTheDocument()
    expect(window.location.search).toBe(`?compare=${makeImage(2).id},${makeImage(3).id}`)
    vi.restoreAllMocks()
  })

  it('keeps the pictures under a hand in their places while others come', async () => {
    server.images = pictures(20)
    const { user } = renderWith(<ImageGallery />)
    const shown = () => screen.getAllByRole('img').map(({ alt }) => Number(alt.split(' ')[1]))
    const before = Array.from({ length: 20 }, (_, index) => 20 - index)
    await user.hover(await screen.findByRole('img', { name: 'picture 20' }))
    server.images = [makeImage(22), makeImage(21), ...server.images]
    await user.click(screen.getByRole('button', { name: 'Favourite: picture 19' })) // which asks anew
    expect(await screen.findByRole('button', { name: '2 new' })).toBeInTheDocument()
    expect(shown()).toEqual(before)
    await user.click(screen.getByRole('button', { name: 'Delete: picture 1' }))
    await waitFor(() => expect(shown()).toEqual(before.slice(0, -1)))
    await user.click(screen.getByRole('button', { name: '2 new' }))
    await waitFor(() => expect(shown()).toEqual([22, 21, ...before.slice(0, -2)]))
    expect(screen.queryByRole('button', { name: /new/ })).not.toBeInTheDocument()
  })

  it('opens a picture and walks with the arrow keys', async () => {
    server.images = pictures(3)
    const { user } = renderWith(<ImageGallery />)
    await user.click(await screen.findByRole('button', { name: 'View: picture 3' }))
    const dialog = await screen.findByRole('dialog', { name: 'Picture 1 of 3' })
    expect(within(dialog).getByRole('button', { name: 'Previous picture' })).toHaveAttribute('aria-disabled', 'true')
    await user.keyboard('{ArrowRight}')
    expect(await screen.findByRole('dialog', { name: 'Picture 2 of 3' })).toBeInTheDocument()
    await user.keyboard('{ArrowLeft}')
    expect(await screen.findByRole('dialog', { name: 'Picture 1 of 3' })).toBeInTheDocument()
    await user.keyboard('{Escape}')
    await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument())
  })

  it('deletes at once, with a way back', async () => {
    server.images = pictures(2)
    const { user } = renderWith(<ImageGallery />)
    await user.click(await screen.findByRole('button', { name: 'Delete: picture 2' }))
    await waitFor(() => expect(screen.queryByRole('img', { name: 'picture 2' })).not.toBeInTheDocument())
    expect(screen.getByRole('status')).toHaveTextContent('1 picture moved to the trash.')
    await user.click(screen.getByRole('button', { name: 'Undo' }))
    expect(await screen.findByRole('img', { name: 'picture 2' })).toBeInTheDocument()
  })

  it('takes a deletion back by Ctrl+Z', async () => {
    server.images = pictures(1)
    const { user } = renderWith(<ImageGallery />)
    await user.click(await screen.findByRole('button', { name: 'Delete: picture 1' }))
    await screen.findByRole('button', { name: 'Undo' })
    await user.keyboard('{Control>}z{/Control}')
    expect(await screen.findByRole('img', { name: 'picture 1' })).toBeInTheDocument()
  })

  it('says why a picture could not be deleted', async () => {
    server.images = pictures(1)
    server.overrides['post /history/bulk'] = () => {
      throw new Refusal(500, 'internal_error', 'The disk is read-only.')
    }
    const { user } = renderWith(<ImageGallery />)
    await user.click(await screen.findByRole('button', { name: 'Delete: picture 1' }))
    expect(await screen.findByRole('status')).toHaveTextContent('The disk is read-only.')
    expect(screen.getByRole('img', { name: 'picture 1' })).toBeInTheDocument()
  })

  it('shows the trash, restores from it, and deletes for good only after a question', async () => {
    server.images = pictures(3).map((image, at) => ({ ...image, deleted_at: at < 2 ? image.created_at : null }))
    const { user } = renderWith(<ImageGallery />)
    await user.click(await screen.findByRole('button', { name: 'Trash' }))
    expect(await screen.findByRole('heading', { name: 'Trash' })).toBeInTheDocument()
    await user.click(await screen.findByRole('button', { name: 'Restore: picture 3' }))
    await waitFor(() => expect(screen.queryByRole('img', { name: 'picture 3' })).not.toBeInTheDocument())
    await user.click(screen.getByRole('button', { name: 'Delete for good: picture 2' }))
    const dialog = await screen.findByRole('dialog', { name: 'Delete this picture for good?' })
    expect(server.images).toHaveLength(3)
    await user.click(within(dialog).getByRole('button', { name: 'Delete for good' }))
    expect(await screen.findByText('The trash is empty')).toBeInTheDocument()
    expect(server.images.map(({ prompt }) => prompt)).toEqual(['picture 3', 'picture 1'])
  })

  it('searches and filters, in the address, and finds the way back', async () => {
    server.images = [makeImage(2, { prompt: 'a fox', favourite: true }), makeImage(1, { prompt: 'an owl' })]
    const { user } = renderWith(<ImageGallery />)
    await screen.findByRole('img', { name: 'an owl' })
    await user.type(screen.getByRole('searchbox', { name: 'Search prompts, tags, seeds' }), 'fox')
    await waitFor(() => expect(screen.queryByRole('img', { name: 'an owl' })).not.toBeInTheDocument())
    expect(window.location.search).toBe('?q=fox')
    await user.click(screen.getByRole('button', { name: 'Favourites only' }))
    expect(await screen.findByRole('img', { name: 'a fox' })).toBeInTheDocument()
    await user.type(screen.getByRole('searchbox'), 'es')
    await user.click(await screen.findByRole('button', { name: 'Clear the filters' }))
    expect(await screen.findByRole('img', { name: 'an owl' })).toBeInTheDocument()
    expect(window.location.search).toBe('')
  })

  it('chooses a range by Shift, and changes all of it at once', async () => {
    server.images = pictures(5)
    const { user } = renderWith(<ImageGallery />)
    await user.click(await screen.findByRole('checkbox', { name: 'Choose: picture 5' }))
    await user.keyboard('{Shift>}')
    await user.click(screen.getByRole('checkbox', { name: 'Choose: picture 3' }))
    await user.keyboard('{/Shift}')
    const bar = await screen.findByRole('toolbar', { name: 'Chosen pictures' })
    expect(within(bar).getByText('3 chosen')).toBeInTheDocument()
    await user.keyboard('c')
    expect(await screen.findByRole('dialog', { name: 'Compare' })).toBeInTheDocument()
    expect(window.location.search).toBe(`?compare=${[5, 4, 3].map((number) => makeImage(number).id)}`)
    await user.keyboard('{Escape}')
    await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument())
    await user.click(within(bar).getByRole('button', { name: 'Favourite' }))
    await waitFor(() => expect(server.images.map(({ favourite }) => favourite)).toEqual([true, true, true, false, false]))
    await user.type(within(bar).getByRole('combobox', { name: 'Add a tag' }), 'best{Enter}')
    await waitFor(() => expect(server.images[0].tags).toEqual(['best']))
    expect(await screen.findByText('3 pictures are tagged “best”.', { ignore: '[role=status]' })).toBeInTheDocument()
    await user.click(within(bar).getByRole('button', { name: 'No favourite any more' }))
    await waitFor(() => expect(server.images.some(({ favourite }) => favourite)).toBe(false))
    await user.click(within(bar).getByRole('button', { name: 'Delete' }))
    await waitFor(() => expect(screen.getAllByRole('img')).toHaveLength(2))
    expect(screen.queryByRole('toolbar')).not.toBeInTheDocument()
  })

  it('takes a tag away from those of the chosen that have it, and gives it back', async () => {
    server.images = [makeImage(2, { tags: ['fox', 'red'] }), makeImage(1, { tags: ['fox'] })]
    const tags = () => server.images.map((image) => image.tags)
    const { user } = renderWith(<ImageGallery />)
    await user.click(await screen.findByRole('checkbox', { name: 'Choose: picture 2' }))
    await user.click(screen.getByRole('checkbox', { name: 'Choose: picture 1' }))
    await user.click(await screen.findByRole('button', { name: 'Remove a tag' }))
    await user.click(await screen.findByRole('button', { name: 'red 1' }))
    await waitFor(() => expect(tags()).toEqual([['fox'], ['fox']]))
    expect(await screen.findByText('The tag “red” is gone from 1 picture.', { ignore: '[role=status]' })).toBeInTheDocument()
    await user.click(screen.getByRole('button', { name: 'Undo' }))
    await waitFor(() => expect(tags()).toEqual([['fox', 'red'], ['fox']]))
  })

  it('walks ten deletions back by Ctrl+Z', async () => {
    server.images = pictures(12)
    const { user } = renderWith(<ImageGallery />)
    const first = await screen.findByRole('button', { name: 'View: picture 12' })
    first.focus()
    const left = () => server.images.filter((image) => !image.deleted_at).length
    for (let count = 1; count <= 10; count += 1) {
      await user.keyboard('x')
      await waitFor(() => expect(left()).toBe(12 - count))
      await screen.findByText(count === 1 ? '1 picture moved to the trash.' : `${count} pictures moved to the trash.`, { ignore: '[role=status]' })
    }
    for (let times = 0; times < 12; times += 1) await user.keyboard('{Control>}z{/Control}')
    await waitFor(() => expect(left()).toBe(12))
    expect(await screen.findByText('10 pictures are out of the trash again.', { ignore: '[role=status]' })).toBeInTheDocument()
  })

  it.each([
    [30, 'What is deleted stays here for 30 days; then it is deleted for good.'],
    [0.5, 'What is deleted stays here for less than a day; then it is deleted for good.'],
  ])('says that the trash empties itself after %d days', async (days, text) => {
    server.get_capabilities = () => ({ thumbnail_widths: [256], limits: { trash_days: days } })
    window.history.replaceState(null, '', '/?trash=1')
    renderWith(<ImageGallery />)
    expect(await screen.findByText(text)).toBeInTheDocument()
  })

  it('answers the keys of the large view', async () => {
    server.images = pictures(2)
    const { user } = renderWith(<ImageGallery />)
    await user.click(await screen.findByRole('button', { name: 'View: picture 2' }))
    const dialog = await screen.findByRole('dialog', { name: 'Picture 1 of 2' })
    await user.keyboard('f')
    await waitFor(() => expect(server.images[0].favourite).toBe(true))
    await user.keyboard('i')
    expect(within(dialog).queryByRole('button', { name: 'Use these settings' })).not.toBeInTheDocument()
    expect(within(dialog).getByRole('button', { name: 'Close' })).toBeInTheDocument()
    const picture = within(dialog).getByRole('img', { name: 'picture 2' })
    await user.keyboard('+')
    expect(picture.style.transform).toContain('scale(1.5)')
    await user.keyboard('0')
    expect(picture.style.transform).toBe('')
    await user.keyboard('x')
    expect(await screen.findByRole('dialog', { name: 'Picture 1 of 1' })).toBeInTheDocument()
    expect(server.images[0].deleted_at).not.toBeNull()
  })

  it('says when it cannot be loaded, and tries again on demand', async () => {
    server.down = true
    const { user } = renderWith(<ImageGallery />)
    await screen.findByText(/could not be loaded/)
    server.down = false
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    expect(await screen.findByText('No pictures yet')).toBeInTheDocument()
  })
})
