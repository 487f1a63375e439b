import { act, screen, waitFor, within } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { Refusal } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import ModelDialog from './ModelDialog.jsx'

const TURBO = 'z-image-turbo'
const LARGE = { total_gb: 64, used_gb: 8, available_gb: 56, usage_percent: 12 }

function setUp({ turbo = {}, memory = LARGE, ...options } = {}) {
  const [first, nano] = server.models.models
  const offered = { ...first, download_gb: 32.9, repository: 'org/turbo', ...turbo }
  server.models = { default: nano.id, loaded: nano.id, models: [offered, nano] }
  server.system = { ...server.system, memory }
  return renderWith(<ModelDialog onClose={vi.fn()} />, options)
}

const item = async () => (await screen.findByText('Z-Image-Turbo')).closest('li')
const button = (name) => screen.findByRole('button', { name })
const running = (done) => ({ state: 'running', done_bytes: done, total_bytes: 32.9e9, message: '' })

describe('ModelDialog', () => {
  it('shows what is in use, and what is missing with what the machine can carry', async () => {
    setUp()
    expect(await screen.findByText('In use')).toBeInTheDocument()
    expect(within(await item()).getByText('Not installed')).toBeInTheDocument()
    expect(await button('Download 32.9 GB: Z-Image-Turbo')).toBeEnabled()
    expect(await screen.findByText(/runs on the CPU, minutes a picture/)).toBeInTheDocument()
  })

  it('frees the memory of the model in use', async () => {
    const { user } = setUp()
    await user.click(await button('Free its memory'))
    await waitFor(() => expect(screen.queryByText('In use')).not.toBeInTheDocument(), { timeout: 5000 })
    expect(server.bodiesOf('post', '/models/unload')).toHaveLength(1)
  })

  it('downloads, shows how far it is, and stops', async () => {
    const { user } = setUp()
    await user.click(await button(/^Download/))
    expect(await screen.findByText('Beginning…')).toBeInTheDocument()
    server.setDownload(TURBO, running(8.3e9))
    expect(await screen.findByText('8.3 of 32.9 GB · 25 %')).toBeInTheDocument()
    expect(screen.getByRole('progressbar', { name: 'Download of Z-Image-Turbo' })).toHaveAttribute('value', '25')
    await user.click(screen.getByRole('button', { name: 'Cancel the download of Z-Image-Turbo' }))
    expect(await button(/^Go on with the download \(5\.0 GB are here\)/)).toBeInTheDocument()
    expect(server.bodiesOf('delete', `/models/${TURBO}/download`)).toHaveLength(1)
  })

  it('says when it has arrived', async () => {
    setUp({ turbo: { download: running(32e9) } })
    await screen.findByRole('progressbar')
    const { models } = server.models
    act(() => (server.models = { ...server.models, models: models.map((model) => ({ ...model, installed: true })) }))
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('Z-Image-Turbo is installed.'))
    expect(within(await item()).getByText('Installed')).toBeInTheDocument()
  })

  it('says why a download failed, and tries again', async () => {
    const failed = { state: 'failed', done_bytes: 1e9, total_bytes: 32.9e9, message: 'The hub does not answer.' }
    const { user } = setUp({ turbo: { download: failed } })
    expect(await screen.findByRole('alert')).toHaveTextContent('The download failed. The hub does not answer.')
    await user.click(await button('Try again: Z-Image-Turbo'))
    expect(await screen.findByText('Beginning…')).toBeInTheDocument()
  })

  it('says why it was refused', async () => {
    server.overrides[`post /models/${TURBO}/download`] = () => {
      throw new Refusal(409, 'conflict', 'Another model is being downloaded.')
    }
    const { user } = setUp()
    await user.click(await button(/^Download/))
    expect(await screen.findByRole('alert')).toHaveTextContent('Another model is being downloaded.')
  })

  it('offers nothing that the machine cannot carry, and says why', async () => {
    setUp({ memory: { ...LARGE, total_gb: 8 } })
    await waitFor(async () => expect(await button(/^Download/)).toBeDisabled())
    expect(await button(/^Download/)).toHaveAccessibleDescription('This machine has too little memory for it.')
  })

  it('says what is missing in a folder that is no whole model', async () => {
    setUp({ turbo: { id: 'my-own', repository: null, note: 'tokenizer/tokenizer.json is missing.' } })
    expect(await screen.findByText('tokenizer/tokenizer.json is missing.')).toBeInTheDocument()
    expect(within(await item()).getByText('Not installed')).toBeInTheDocument()
    expect(screen.queryByRole('button', { name: /Download/ })).not.toBeInTheDocument()
  })

  it('speaks Chinese', async () => {
    setUp({ language: 'zh' })
    expect(await button('下载 32.9 GB：Z-Image-Turbo')).toBeInTheDocument()
  })
})
