import { screen, waitFor, within } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { renderWith } from '../../test/render.jsx'
import SystemMonitor from '../SystemMonitor.jsx'
import Workers from './Workers.jsx'

const WORKER = {
  id: 'gpu-a-3f2b8c-gpu0',
  node: 'gpu-a',
  device: 'cuda',
  card: 'RTX 4090',
  memory_gb: 24,
  state: 'busy',
  drained: false,
  model: 'z-image-turbo',
  task_id: null,
  note: '',
}
const OTHER = { ...WORKER, id: 'gpu-b-11aa22-gpu0', node: 'gpu-b', state: 'idle', model: null }

const row = (id) => screen.getByText(id).closest('li')

describe('Workers', () => {
  it('says nothing of one alone, nor of none', () => {
    renderWith(<Workers workers={[WORKER]} />)
    renderWith(<Workers />)
    expect(screen.queryByRole('heading')).not.toBeInTheDocument()
  })

  it('lists several with their machine, card, memory and model', () => {
    renderWith(<Workers workers={[WORKER, OTHER]} />)
    expect(within(row(WORKER.id)).getByText('Drawing')).toBeInTheDocument()
    expect(within(row(WORKER.id)).getByText('gpu-a · RTX 4090 · 24.0 GB · z-image-turbo')).toBeInTheDocument()
    expect(within(row(OTHER.id)).getByText('Idle')).toBeInTheDocument()
  })

  it('says why one does not draw', () => {
    renderWith(<Workers workers={[WORKER, { ...OTHER, state: 'refused', note: 'It has torch 2.8.0 instead of 2.9.0.' }]} />)
    expect(row(OTHER.id)).toHaveClass('worker-troubled')
    expect(within(row(OTHER.id)).getByText(/torch 2.8.0/)).toBeInTheDocument()
  })

  it('drains one, and lets it draw again', async () => {
    server.system = { ...server.system, workers: [WORKER, OTHER] }
    const { user } = renderWith(<SystemMonitor />)
    await user.click(await screen.findByRole('button', { name: `Drain: ${OTHER.id}` }))
    expect(await within(row(OTHER.id)).findByText('Drained')).toBeInTheDocument()
    await user.click(screen.getByRole('button', { name: `Resume: ${OTHER.id}` }))
    expect(await within(row(OTHER.id)).findByText('Idle')).toBeInTheDocument()
    const sent = server.requests.filter(({ method }) => method === 'post')
    expect(sent.map(({ path, body }) => [path, body.drain])).toEqual([
      [`/system/workers/${OTHER.id}/drain`, true],
      [`/system/workers/${OTHER.id}/drain`, false],
    ])
  })

  it('says when that did not work', async () => {
    server.system = { ...server.system, workers: [WORKER, OTHER] }
    const { user } = renderWith(<SystemMonitor />)
    const button = await screen.findByRole('button', { name: `Drain: ${OTHER.id}` })
    server.down = true
    await user.click(button)
    await waitFor(() => expect(screen.getByRole('alert')).toBeInTheDocument())
  })
})
