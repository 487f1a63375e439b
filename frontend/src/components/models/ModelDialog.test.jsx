import { act, screen, waitFor, within } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { Refusal } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import ModelDialog from './ModelDialog.jsx'

const TURBO = 'z-image-turbo'
const GIB = 2 ** 30
const NONE = { state: 'none', done_bytes: 0, total_bytes: 32.9e9, message: '' }
const NEEDS = {
  device: 'cuda',
  dtype: 'bfloat16',
  quantization: null,
  offload: 'none',
  fits: true,
  device_bytes: 21.4 * GIB,
  device_total_bytes: 24 * GIB,
  host_bytes: GIB,
  host_total_bytes: 64 * GIB,
}
const PUBLISHED = {
  id: TURBO,
  of: TURBO,
  label: 'published',
  licence: 'Apache-2.0',
  quality: 'exact',
  repositories: ['org/turbo'],
  files: [],
  size_bytes: 32.9e9,
  missing_bytes: 32.9e9,
  needs: NEEDS,
  recommended: { reason: 'full', short_of_disk: false },
  model: null,
  download: NONE,
}
const INT8 = {
  ...PUBLISHED,
  id: 'turbo_int8',
  label: 'int8 ConvRot',
  quality: 'near',
  repositories: ['org/split'],
  files: [
    { part: 'transformer', repository: 'org/split', file: 'turbo_int8.safetensors', size_bytes: 6.2e9, here: false },
    { part: 'vae', repository: 'org/split', file: 'ae.safetensors', size_bytes: 335e6, here: true },
  ],
  size_bytes: 6.535e9,
  missing_bytes: 6.2e9,
  needs: { ...NEEDS, quantization: 'int8', device_bytes: 12.5 * GIB },
  recommended: null,
  download: { ...NONE, done_bytes: 335e6, total_bytes: 6.535e9 },
}

function setUp({ turbo = {}, variants = [PUBLISHED, INT8], room = 250e9, ...options } = {}) {
  const [first, nano] = server.models.models
  const offered = { ...first, download_gb: 32.9, repository: 'org/turbo', ...turbo }
  server.models = { default: nano.id, loaded: nano.id, models: [offered, nano] }
  server.variants = { room_bytes: room, variants }
  return renderWith(<ModelDialog onClose={vi.fn()} />, options)
}

const item = async () => (await screen.findByText('Z-Image-Turbo')).closest('.model-item')
const button = (name) => screen.findByRole('button', { name })
const running = (done) => ({ state: 'running', done_bytes: done, total_bytes: 32.9e9, message: '' })

describe('ModelDialog', () => {
  it('shows what is in use, and what is missing with the variant for this machine and why', async () => {
    setUp()
    expect(await screen.findByText('In use')).toBeInTheDocument()
    expect(within(await item()).getByText('Not installed')).toBeInTheDocument()
    expect(await button('Download 32.9 GB: Z-Image-Turbo (published)')).toBeEnabled()
    expect(screen.getByText('For this machine')).toBeInTheDocument()
    expect(screen.getByText(/Of those that the GPU holds as a whole, this one is nearest/)).toBeInTheDocument()
    expect(screen.getByText(/Held by cuda as a whole, in bfloat16: 21\.4 of 24\.0 GiB/)).toBeInTheDocument()
    expect(screen.getByText('32.9 GB · Apache-2.0 · org/turbo')).toBeInTheDocument()
    expect(screen.getByText('250 GB are free on the disk of the models.')).toBeInTheDocument()
  })

  it('has the other variants at hand, with their files', async () => {
    const { user } = setUp()
    const more = await screen.findByText('1 more variant')
    expect(more.closest('details')).not.toHaveAttribute('open')
    await user.click(more)
    const int8 = within(more.closest('details'))
    expect(int8.getByText('Transformer: turbo_int8.safetensors · 6.2 GB')).toBeInTheDocument()
    expect(int8.getByText('Autoencoder: ae.safetensors · 319.5 MB · is here')).toBeInTheDocument()
    expect(int8.getByText(/Nearly the same images\. Held by cuda as a whole, in int8: 12\.5/)).toBeInTheDocument()
    await user.click(await button(/^Go on with the download \(0\.3 GB are here\): Z-Image-Turbo \(int8 ConvRot\)/))
    expect(server.bodiesOf('post', '/models/turbo_int8/download')).toHaveLength(1)
  })

  it('frees the memory of the model in use', async () => {
    const { user } = setUp()
    await user.click(await button('Free its memory'))
    await waitFor(() => expect(screen.queryByText('In use')).not.toBeInTheDocument(), { timeout: 5000 })
    expect(server.bodiesOf('post', '/models/unload')).toHaveLength(1)
  })

  it('downloads, shows how far it is, and stops', async () => {
    const { user } = setUp({ variants: [PUBLISHED] })
    await user.click(await button(/^Download/))
    expect(await screen.findByText('Beginning…')).toBeInTheDocument()
    server.setDownload(TURBO, running(8.3e9))
    expect(await screen.findByText('8.3 of 32.9 GB · 25 %')).toBeInTheDocument()
    expect(screen.getByRole('progressbar', { name: 'Download of Z-Image-Turbo (published)' })).toHaveAttribute('value', '25')
    await user.click(screen.getByRole('button', { name: 'Cancel the download of Z-Image-Turbo (published)' }))
    expect(await button('Delete: Z-Image-Turbo (published)')).toBeInTheDocument()
    expect(server.bodiesOf('delete', `/models/${TURBO}/download`)).toHaveLength(1)
  })

  it('says when it has arrived', async () => {
    setUp({ variants: [{ ...PUBLISHED, download: running(32e9) }] })
    await screen.findByRole('progressbar')
    act(() => (server.variants = { ...server.variants, variants: [{ ...PUBLISHED, model: TURBO, missing_bytes: 0 }] }))
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('Z-Image-Turbo (published) is installed.'))
    expect(screen.queryByRole('button', { name: /^Download/ })).not.toBeInTheDocument()
  })

  it('says why a download failed, and tries again', async () => {
    const failed = { state: 'failed', done_bytes: 1e9, total_bytes: 32.9e9, message: 'The hub does not answer.' }
    const { user } = setUp({ variants: [{ ...PUBLISHED, download: failed }] })
    expect(await screen.findByRole('alert')).toHaveTextContent('The download failed. The hub does not answer.')
    await user.click(await button('Try again: Z-Image-Turbo (published)'))
    expect(await screen.findByText('Beginning…')).toBeInTheDocument()
  })

  it.each([
    [409, 'conflict', 'Another model is being downloaded.'],
    [507, 'insufficient_storage', '20.7 GB are still to come, and 1.0 GB are free.'],
  ])('says why it was refused with %i', async (status, code, message) => {
    server.overrides[`post /models/${TURBO}/download`] = () => {
      throw new Refusal(status, code, message)
    }
    const { user } = setUp({ variants: [PUBLISHED], language: 'zh' })
    await user.click(await button(/^下载/))
    expect(await screen.findByRole('alert')).toHaveTextContent(`现在无法下载。 ${message}`)
  })

  it('offers nothing that the disk has no room for, and says so', async () => {
    setUp({ variants: [PUBLISHED], room: 10e9 })
    expect(await button(/^Download/)).toBeDisabled()
    expect(await button(/^Download/)).toHaveAccessibleDescription('The disk has no room for it.')
  })

  it('says what does not fit, and where the disk decided', async () => {
    const small = { ...NEEDS, device: 'cpu', fits: false, device_total_bytes: 8 * GIB }
    const short = { ...INT8, recommended: { reason: 'quantised', short_of_disk: true } }
    setUp({ variants: [{ ...PUBLISHED, recommended: null, needs: small }, short] })
    expect(await screen.findByText(/The disk has no room for one that would suit better/)).toBeInTheDocument()
    expect(screen.getByText(/too little memory for it: 21\.4 GiB, and there are 8\.0/)).toBeInTheDocument()
  })

  it('says what is missing in a folder that is no whole model', async () => {
    setUp({ turbo: { id: 'my-own', repository: null, note: 'tokenizer/tokenizer.json is missing.' } })
    expect(await screen.findByText('tokenizer/tokenizer.json is missing.')).toBeInTheDocument()
    expect(within(await item()).getByText('Not installed')).toBeInTheDocument()
    expect(within(await item()).queryByRole('button')).not.toBeInTheDocument()
  })

  it('shows the models while the variants do not come', async () => {
    server.overrides['get /models/variants'] = () => {
      throw new Refusal(500, 'internal_error', 'It failed.')
    }
    setUp()
    expect(await screen.findByText('Z-Image-Turbo')).toBeInTheDocument()
    expect(await button('Try again')).toBeInTheDocument()
  })

  it('says what our models are in Chinese, too', async () => {
    const [turbo, nano] = server.models.models
    server.models = { ...server.models, models: [turbo, { ...nano, description: 'The embedded demo model.' }] }
    setUp({ turbo: { id: 'tune', description: 'Your file tune.gguf.' }, language: 'zh' })
    expect(await screen.findByText(/^内置的演示模型/)).toBeInTheDocument()
    expect(screen.queryByText('The embedded demo model.')).not.toBeInTheDocument()
    expect(screen.getByText('Your file tune.gguf.')).toHaveAttribute('lang', 'en')
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
    expect(await button('下载 32.9 GB：Z-Image-Turbo (官方发布)')).toBeInTheDocument()
    expect(screen.getByText('适合本机')).toBeInTheDocument()
  })
})
