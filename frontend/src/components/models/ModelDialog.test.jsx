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

  describe('with a model of single files', () => {
    const PARTS = [
      { part: 'transformer', file: 'unet/tune.gguf', format: 'Q8_0', size_bytes: 7.2e9, choices: [] },
      {
        part: 'text_encoder',
        file: 'qwen.safetensors',
        format: 'BF16',
        size_bytes: 8e9,
        choices: ['qwen.safetensors', 'qwen-fp8.safetensors'],
      },
      { part: 'vae', file: 'vae/ae.safetensors', format: 'F32', size_bytes: 335e6, choices: ['vae/ae.safetensors'] },
    ]
    const own = { id: 'tune', repository: null, installed: true, member: 'turbo', parts: PARTS }
    const choice = (name) => screen.findByRole('combobox', { name })

    it('shows what it is put together from', async () => {
      setUp({ turbo: own })
      expect(await screen.findByText('unet/tune.gguf · Q8_0 · 7.2 GB')).toBeInTheDocument()
      expect(screen.getByText('vae/ae.safetensors · F32 · 319.5 MB')).toBeInTheDocument()
      expect(await choice('Text encoder')).toHaveValue('qwen.safetensors')
    })

    it('lets one choose, and keeps what was chosen before', async () => {
      const { user } = setUp({ turbo: own })
      await user.selectOptions(await choice('Text encoder'), 'qwen-fp8.safetensors')
      await waitFor(async () => expect(await choice('Text encoder')).toHaveValue('qwen-fp8.safetensors'))
      await user.selectOptions(await choice('Run as'), 'base')
      await waitFor(async () => expect(await choice('Run as')).toHaveValue('base'))
      expect(server.bodiesOf('put', '/models/tune/parts').at(-1)).toEqual({
        member: 'base',
        text_encoder: 'qwen-fp8.safetensors',
        vae: 'vae/ae.safetensors',
      })
    })

    it('says why a choice was refused', async () => {
      server.overrides['put /models/tune/parts'] = () => {
        throw new Refusal(422, 'unknown_part', 'It does not fit.')
      }
      const { user } = setUp({ turbo: own })
      await user.selectOptions(await choice('Run as'), 'base')
      expect(await screen.findByText(/It does not fit/)).toBeInTheDocument()
    })

    it('lists the ControlNets with kind and size', async () => {
      setUp()
      const union = { name: 'controlnet/union.safetensors', kind: '2.1-lite', format: 'BF16', size_bytes: 2.02e9 }
      server.models = { ...server.models, controls: [union], refused: [] }
      expect(await screen.findByText('1 ControlNet', {}, { timeout: 4000 })).toBeInTheDocument()
      expect(screen.getByText('controlnet/union.safetensors')).toBeInTheDocument()
      expect(screen.getByText(/2\.1-lite · BF16 · 2.0 GB/)).toBeInTheDocument()
    })

    it('says which files are of no use, and why', async () => {
      setUp()
      server.models = { ...server.models, refused: [{ file: 'flux.safetensors', reason: 'It is FLUX.1.' }] }
      expect(await screen.findByText('1 file is of no use here', {}, { timeout: 4000 })).toBeInTheDocument()
      expect(screen.getByText('It is FLUX.1.')).toBeInTheDocument()
    })
  })

  it('speaks Chinese', async () => {
    setUp({ language: 'zh' })
    expect(await button('下载 32.9 GB：Z-Image-Turbo')).toBeInTheDocument()
  })
})
