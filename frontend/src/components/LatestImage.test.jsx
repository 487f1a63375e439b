import { act, screen, waitFor, within } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { stubImages } from '../test/fakeImages.js'
import { makeImage, makeTask } from '../test/fakeServer.js'
import { renderWith } from '../test/render.jsx'
import LatestImage from './LatestImage.jsx'

const setUp = (props) => renderWith(<LatestImage tasks={[]} {...props} />)

describe('LatestImage', () => {
  it('teaches while there is no picture', async () => {
    setUp()
    expect(await screen.findByText('Your picture appears here')).toBeInTheDocument()
  })

  it('shows the picture with its prompt as text and its settings', async () => {
    const image = makeImage(1, { prompt: '一只红色的狐狸', use_gpu: true, device: 'cuda' })
    server.images = [image]
    setUp()
    const picture = await screen.findByRole('img', { name: image.prompt })
    expect(picture).toHaveAttribute('src', expect.stringContaining(image.download_url))
    expect(picture).toHaveAttribute('width', '512')
    for (const text of ['512 × 512', 'zimage-nano', '101', '9', 'GPU', '1.23 s']) {
      expect(screen.getByText(text)).toBeInTheDocument()
    }
  })

  it('shows a prompt as text, whatever it holds', async () => {
    server.images = [makeImage(1, { prompt: '<b id="x">bold</b> {{evil}}' })]
    const { container } = setUp()
    expect(await screen.findByText('<b id="x">bold</b> {{evil}}')).toBeInTheDocument()
    expect(container.querySelector('#x')).toBeNull()
  })

  it('asks for the file under the wanted name', async () => {
    window.localStorage.setItem('zimage.preferences', JSON.stringify({ pattern: 'a {seed} & 狐狸' }))
    server.images = [makeImage(1)]
    setUp()
    const download = await screen.findByRole('button', { name: 'Download' })
    expect(new URL(download.href).searchParams.get('name')).toBe('a 101 & 狐狸.png')
  })

  it('offers download and settings', async () => {
    const onReuse = vi.fn()
    server.images = [makeImage(1)]
    const { user } = setUp({ onReuse })
    const download = await screen.findByRole('button', { name: 'Download' })
    expect(download).toHaveAttribute('href', expect.stringContaining(makeImage(1).download_url))
    expect(download).toHaveAttribute('download', makeImage(1).filename)
    await user.click(screen.getByRole('button', { name: 'Use these settings' }))
    expect(onReuse.mock.calls[0][0]).toMatchObject({ seed: 101 })
  })

  it('takes over only a part, when asked', async () => {
    const onReuse = vi.fn()
    server.images = [makeImage(1)]
    const { user } = setUp({ onReuse })
    await user.click(await screen.findByRole('button', { name: 'Use only a part' }))
    await user.click(await screen.findByRole('button', { name: 'Only the seed' }))
    expect(onReuse).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ seed: 101 }), 'seed')
  })

  it('asks for variations by the seeds that follow', async () => {
    const onVary = vi.fn()
    server.images = [makeImage(1)]
    const { user } = setUp({ onVary })
    await user.click(await screen.findByRole('button', { name: 'Vary' }))
    expect(onVary).toHaveBeenCalledExactlyOnceWith([
      expect.objectContaining({ prompt: 'picture 1', seed: 102, num_images: 4 }),
    ])
  })

  it('marks a favourite at once, and tells the server', async () => {
    server.images = [makeImage(1)]
    const { user } = setUp()
    const heart = await screen.findByRole('button', { name: 'Favourite: picture 1' })
    expect(heart).toHaveAttribute('aria-pressed', 'false')
    await user.click(heart)
    await waitFor(() => expect(heart).toHaveAttribute('aria-pressed', 'true'))
    expect(server.images[0].favourite).toBe(true)
  })

  it('deletes with a way back', async () => {
    server.images = [makeImage(2), makeImage(1)]
    const { user } = setUp()
    await screen.findByRole('img', { name: 'picture 2' })
    await user.click(screen.getByRole('button', { name: 'More' }))
    await user.click(await screen.findByRole('button', { name: 'Delete' }))
    expect(await screen.findByRole('img', { name: 'picture 1' })).toBeInTheDocument()
    await user.click(screen.getByRole('button', { name: 'Undo' }))
    expect(await screen.findByRole('img', { name: 'picture 2' })).toBeInTheDocument()
  })

  it('compares with the picture before', async () => {
    server.images = [makeImage(2), makeImage(1)]
    const { user } = setUp()
    await user.click(await screen.findByRole('button', { name: 'More' }))
    await user.click(await screen.findByRole('button', { name: 'Compare with the one before' }))
    expect(window.location.search).toBe(`?compare=${makeImage(1).id},${makeImage(2).id}`)
  })

  it('says on the stage how far the running task is', async () => {
    server.images = [makeImage(1)]
    const task = makeTask('a', { current_step: 4, progress: 44.4, eta_seconds: 3 })
    setUp({ tasks: [{ id: 'a', listed: task }] })
    expect(await screen.findByText('Step 4 of 9 · about 3 s left')).toBeInTheDocument()
  })

  it('keeps the last finished picture at hand while the next one is drawn', async () => {
    const loading = stubImages()
    server.images = [makeImage(1)]
    const onVary = vi.fn()
    const task = makeTask('a', { current_step: 4, preview_seq: 1 })
    const { user } = setUp({ onVary, tasks: [{ id: 'a', listed: task }] })
    await screen.findByRole('button', { name: 'View large: picture 1' })
    act(() => loading.findLast(({ src }) => src.includes('seq=1')).onload())
    expect(screen.getByRole('img', { name: 'Being drawn: prompt of a' })).toBeInTheDocument()
    const buttons = within(screen.getByRole('group', { name: 'For the last finished picture' }))
    await user.click(buttons.getByRole('button', { name: 'Vary' }))
    expect(onVary.mock.calls[0][0]).toMatchObject([{ prompt: 'picture 1', seed: 102 }])
    await user.click(screen.getByRole('button', { name: 'View the last finished picture: picture 1' }))
    expect(window.location.search).toBe(`?picture=${makeImage(1).id}`)
  })

  it('opens the picture in full', async () => {
    server.images = [makeImage(1)]
    const { user } = setUp()
    await user.click(await screen.findByRole('button', { name: 'View large: picture 1' }))
    expect(window.location.search).toBe(`?picture=${makeImage(1).id}`)
  })
})
