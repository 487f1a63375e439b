import { screen } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { makeTask } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import TaskProgress from './TaskProgress.jsx'

describe('TaskProgress', () => {
  it.each([
    [{ status: 'pending', queue_position: 0 }, 'Next in the queue'],
    [{ status: 'pending', queue_position: 1 }, '1 task ahead'],
    [{ status: 'pending', queue_position: null }, 'Next in the queue'],
    [{ message: 'Starting' }, 'Getting ready…'],
    [{ message: 'Loading Z-Image-Turbo' }, 'Loading the model…'],
    [{ current_step: 8, progress: 88.9 }, 'Step 8 of 9'],
  ])('of %j says “%s”', (patch, text) => {
    renderWith(<TaskProgress task={makeTask('a', patch)} />)
    expect(screen.getByText(text)).toBeInTheDocument()
    expect(screen.getByRole('progressbar')).toHaveAttribute('aria-valuetext', expect.stringContaining(text))
  })

  it('says which worker draws, where there are several', async () => {
    server.system = { ...server.system, workers: [{ id: 'cuda:0' }, { id: 'cuda:1' }] }
    renderWith(<TaskProgress task={makeTask('a', { worker: 'cuda:1', message: 'Starting' })} />)
    expect(await screen.findByText(/on cuda:1/)).toBeInTheDocument()
  })

  it('does not say so of the only one', async () => {
    server.system = { ...server.system, workers: [{ id: 'cuda:1' }] }
    renderWith(<TaskProgress task={makeTask('a', { worker: 'cuda:1', message: 'Starting' })} />)
    await vi.waitFor(() => expect(server.requests.some(({ path }) => path === '/system/status')).toBe(true))
    expect(screen.queryByText(/on cuda:1/)).not.toBeInTheDocument()
  })
})
