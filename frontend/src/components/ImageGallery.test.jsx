import { screen, waitFor, within } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

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
    expect(screen.getAllByRole('img')).toHaveLength(20)
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

  it('opens a picture and walks with the arrow keys', async () => {
    server.images = pictures(3)
    const { user } = renderWith(<ImageGallery />)
    await user.click(await screen.findByRole('button', { name: 'View: picture 3' }))
    const dialog = await screen.findByRole('dialog', { name: 'Picture 1 of 3' })
    expect(within(dialog).getByRole('button', { name: 'Previous picture' })).toBeDisabled()
    await user.keyboard('{ArrowRight}')
    expect(await screen.findByRole('dialog', { name: 'Picture 2 of 3' })).toBeInTheDocument()
    await user.keyboard('{ArrowLeft}')
    expect(await screen.findByRole('dialog', { name: 'Picture 1 of 3' })).toBeInTheDocument()
    await user.keyboard('{Escape}')
    await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument())
  })

  it('deletes only after a question', async () => {
    server.images = pictures(2)
    const { user } = renderWith(<ImageGallery />)
    await user.click(await screen.findByRole('button', { name: 'Delete: picture 2' }))
    const dialog = await screen.findByRole('dialog', { name: 'Delete this picture?' })
    expect(server.images).toHaveLength(2)
    await user.click(within(dialog).getByRole('button', { name: 'Delete' }))
    await waitFor(() => expect(screen.queryByRole('img', { name: 'picture 2' })).not.toBeInTheDocument())
    expect(server.images.map(({ prompt }) => prompt)).toEqual(['picture 1'])
    expect(screen.getByRole('status', { hidden: true })).toHaveTextContent('Picture deleted.')
  })

  it('keeps the picture when the answer is no', async () => {
    server.images = pictures(1)
    const { user } = renderWith(<ImageGallery />)
    await user.click(await screen.findByRole('button', { name: 'Delete: picture 1' }))
    await user.click(await screen.findByRole('button', { name: 'Cancel' }))
    await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument())
    expect(server.images).toHaveLength(1)
  })

  it('says why a picture could not be deleted', async () => {
    server.images = pictures(1)
    server.overrides[`delete /history/${makeImage(1).id}`] = () => {
      throw new Refusal(500, 'internal_error', 'The disk is read-only.')
    }
    const { user } = renderWith(<ImageGallery />)
    await user.click(await screen.findByRole('button', { name: 'Delete: picture 1' }))
    const dialog = await screen.findByRole('dialog')
    await user.click(within(dialog).getByRole('button', { name: 'Delete' }))
    expect(await within(dialog).findByRole('alert')).toHaveTextContent('The disk is read-only.')
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
