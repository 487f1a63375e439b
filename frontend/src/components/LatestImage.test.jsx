import { screen } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { makeImage } from '../test/fakeServer.js'
import { renderWith } from '../test/render.jsx'
import LatestImage from './LatestImage.jsx'

describe('LatestImage', () => {
  it('teaches while there is no picture', async () => {
    renderWith(<LatestImage />)
    expect(await screen.findByText('Your picture appears here')).toBeInTheDocument()
  })

  it('shows the picture with its prompt as text and its settings', async () => {
    const image = makeImage(1, { prompt: '一只红色的狐狸', use_gpu: true, device: 'cuda' })
    server.images = [image]
    renderWith(<LatestImage />)
    const picture = await screen.findByRole('img', { name: image.prompt })
    expect(picture).toHaveAttribute('src', expect.stringContaining(image.download_url))
    expect(picture).toHaveAttribute('width', '512')
    for (const text of ['512 × 512', 'zimage-nano', '101', '9', 'GPU', '1.23 s']) {
      expect(screen.getByText(text)).toBeInTheDocument()
    }
  })

  it('shows a prompt as text, whatever it holds', async () => {
    server.images = [makeImage(1, { prompt: '<b id="x">bold</b> {{evil}}' })]
    const { container } = renderWith(<LatestImage />)
    expect(await screen.findByText('<b id="x">bold</b> {{evil}}')).toBeInTheDocument()
    expect(container.querySelector('#x')).toBeNull()
  })

  it('offers download and settings', async () => {
    const onUseSettings = vi.fn()
    server.images = [makeImage(1)]
    const { user } = renderWith(<LatestImage onUseSettings={onUseSettings} />)
    const download = await screen.findByRole('button', { name: 'Download' })
    expect(download).toHaveAttribute('href', expect.stringContaining(makeImage(1).download_url))
    expect(download).toHaveAttribute('download', makeImage(1).filename)
    await user.click(screen.getByRole('button', { name: 'Use these settings' }))
    expect(onUseSettings.mock.calls[0][0]).toMatchObject({ seed: 101 })
  })

  it('opens the picture in full', async () => {
    server.images = [makeImage(1)]
    const { user } = renderWith(<LatestImage />)
    await user.click(await screen.findByRole('button', { name: 'View large: picture 1' }))
    expect(await screen.findByRole('dialog', { name: 'Picture 1 of 1' })).toBeInTheDocument()
  })
})
