import { fireEvent, screen, waitFor, within } from '@testing-library/react'
import { useState } from 'react'
import { beforeEach, describe, expect, it, vi } from 'vitest'

import { makeLora, Refusal } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import LoraPicker from './LoraPicker.jsx'

function Harness({ onClose }) {
  const [loras, setLoras] = useState([])
  return (
    <>
      <LoraPicker loras={loras} model="auto" onChange={(patch) => setLoras(patch.loras)} onClose={onClose} />
      <p data-testid="chosen">{loras.map(({ name }) => name).join()}</p>
    </>
  )
}

function show(options) {
  const onClose = vi.fn()
  return { onClose, ...renderWith(<Harness onClose={onClose} />, options) }
}

const chosen = () => screen.getByTestId('chosen').textContent
const tile = (name) => screen.findByRole('button', { name })
const names = () => screen.getAllByRole('listitem').map((item) => item.querySelector('[data-lora]')?.dataset.lora)
const search = () => screen.getByRole('searchbox', { name: 'Name, tag or trigger word' })
const file = (name, content = 'x') => new File([content], name)

describe('LoraPicker', () => {
  beforeEach(() => {
    server.loras = [
      makeLora('cloud', { tags: ['weather'], modified_at: '2026-01-01T00:00:00Z' }),
      makeLora('ink', { title: 'Chinese ink', preview: '/api/loras/ink/preview', trigger_words: ['inkstyle'], modified_at: '2026-05-01T00:00:00Z' }),
      makeLora('mine', { is_own: true, modified_at: '2026-03-01T00:00:00Z' }),
      makeLora('broken', { problem: 'Its header is cut off.', kind: null, rank: null }),
    ]
  })

  it('shows each with what is known of it', async () => {
    show()
    const ink = await tile('Chinese ink')
    expect(ink).toHaveAccessibleDescription(/ink rank 16 · 76\.3 MB.*inkstyle/)
    expect(ink.querySelector('img').src).toContain('/api/loras/ink/preview')
    fireEvent.error(ink.querySelector('img'))
    expect(ink.querySelector('img')).toBeNull()
    expect((await tile('cloud')).querySelector('svg')).not.toBeNull()
  })

  it('chooses several, and takes one back', async () => {
    const { user } = show()
    await user.click(await tile('Chinese ink'))
    await user.click(await tile('cloud'))
    expect(chosen()).toBe('ink,cloud')
    expect(await tile('cloud')).toHaveAttribute('aria-pressed', 'true')
    await user.click(await tile('Chinese ink'))
    expect(chosen()).toBe('cloud')
  })

  it('does not choose what cannot be used, and says why', async () => {
    const { user } = show()
    const broken = await tile('broken')
    expect(broken).toHaveAccessibleDescription(/Its header is cut off\./)
    expect(broken).toHaveAttribute('aria-disabled', 'true')
    await user.click(broken)
    expect(chosen()).toBe('')
  })

  it('searches names, tags and trigger words, and sorts', async () => {
    const { user } = show()
    await tile('cloud')
    expect(names()).toEqual(['ink', 'cloud', 'mine', 'broken'])
    await user.selectOptions(screen.getByRole('combobox', { name: 'Sorted by' }), 'Newest first')
    expect(names()).toEqual(['ink', 'mine', 'cloud', 'broken'])
    await user.type(search(), 'weather')
    expect(names()).toEqual(['cloud'])
    await user.keyboard('{Enter}')
    expect(chosen()).toBe('cloud')
    await user.clear(search())
    await user.type(search(), 'inkstyle')
    expect(names()).toEqual(['ink'])
    await user.type(search(), 'xxx')
    await user.click(screen.getByRole('button', { name: 'Show all' }))
    expect(names()).toHaveLength(4)
  })

  it('is walked by arrow keys alone', async () => {
    const { user, onClose } = show()
    await tile('cloud')
    await waitFor(() => expect(search()).toHaveFocus())
    await user.keyboard('{ArrowDown}')
    expect(await tile('Chinese ink')).toHaveFocus()
    await user.keyboard('{ArrowRight}{Enter}')
    expect(chosen()).toBe('cloud')
    await user.keyboard('{End}')
    expect(await tile('broken')).toHaveFocus()
    await user.keyboard('{Home}{ArrowUp}')
    expect(search()).toHaveFocus()
    expect(onClose).not.toHaveBeenCalled()
    await user.keyboard('{Escape}')
    expect(onClose).toHaveBeenCalledOnce()
  })

  it('deletes what is its own, once that is meant', async () => {
    const { user, onClose } = show()
    await user.click(await tile('Delete: mine'))
    const question = await screen.findByText('Delete “mine” from the disk?')
    expect(question).toHaveFocus()
    await user.keyboard('{Escape}')
    expect(onClose).not.toHaveBeenCalled()
    await waitFor(() => expect(screen.getByRole('button', { name: 'Delete: mine' })).toHaveFocus())
    expect(server.loras).toHaveLength(4)
    await user.keyboard('{Enter}')
    await user.click(await screen.findByRole('button', { name: 'Delete' }))
    await waitFor(() => expect(names()).toEqual(['ink', 'cloud', 'broken']))
    expect(screen.getByRole('status')).toHaveTextContent('mine is deleted.')
    expect(screen.queryByRole('button', { name: 'Delete: cloud' })).not.toBeInTheDocument()
  })

  it('says why something stays', async () => {
    server.overrides['delete /loras/mine'] = () => {
      throw new Refusal(409, 'conflict', 'A task needs it.')
    }
    const { user } = show()
    await user.click(await tile('Delete: mine'))
    await user.click(await screen.findByRole('button', { name: 'Delete' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('A task needs it.')
  })

  it('sends files, and shows what came', async () => {
    const { user } = show()
    await tile('cloud')
    await user.upload(screen.getByTestId('lora-file'), [file('new.safetensors'), file('other.safetensors')])
    const fresh = await tile('new')
    expect(within(fresh.closest('li')).getByText('New')).toBeInTheDocument()
    await tile('other')
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('other is here.'))
    await user.click(screen.getByRole('button', { name: 'Dismiss: new.safetensors' }))
    expect(screen.queryByText('new.safetensors')).not.toBeInTheDocument()
  })

  it('says why a file was refused', async () => {
    server.overrides['post /loras'] = () => {
      throw new Refusal(422, 'lora_unusable', 'This is a model, not a LoRA.')
    }
    const { user } = show()
    await tile('cloud')
    await user.upload(screen.getByTestId('lora-file'), file('model.safetensors'))
    expect(await screen.findByRole('alert')).toHaveTextContent('This is a model, not a LoRA.')
  })

  it('does not send what cannot be one, or is too large', async () => {
    server.overrides['get /loras'] = () => ({ loras: [], max_upload_bytes: 3 })
    show()
    await screen.findByText('No LoRA is here yet')
    const choose = (one) => fireEvent.change(screen.getByTestId('lora-file'), { target: { files: [one] } })
    choose(file('ink.ckpt'))
    expect(await screen.findByRole('alert')).toHaveTextContent('Only .safetensors files')
    choose(file('ink.safetensors', 'four'))
    await waitFor(() => expect(screen.getByRole('alert')).toHaveTextContent('larger than this server takes'))
    expect(server.bodiesOf('post', '/loras')).toHaveLength(0)
  })

  it('shows thousands bit by bit', async () => {
    server.loras = Array.from({ length: 300 }, (_, at) => makeLora(`n${at}`))
    const { user } = show()
    await tile('n0')
    expect(names()).toHaveLength(120)
    await user.click(screen.getByRole('button', { name: 'Show 120 more of 180' }))
    expect(names()).toHaveLength(240)
    await user.click(screen.getByRole('button', { name: 'Show 60 more of 60' }))
    expect(names()).toHaveLength(300)
  })

  it('says where files go while there are none', async () => {
    server.loras = []
    show()
    expect(await screen.findByText(/ZIMAGE_LORAS_DIR/)).toBeInTheDocument()
  })

  it('speaks Chinese', async () => {
    show({ language: 'zh' })
    expect(await screen.findByRole('button', { name: '添加文件' })).toBeInTheDocument()
    expect(await screen.findByText('已选 0 个')).toBeInTheDocument()
  })
})
